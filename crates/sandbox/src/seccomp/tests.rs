//! The filter program against a naive twin that reads the list as it is written.

use libc::sock_filter;

use super::{
    DENIALS, DENIALS_BROKERED, DENIALS_CONTAINED, DENIALS_WITH_NET, DENIALS_WITHOUT_NET, Denial, Group,
    NAMINGS, Watch, When, compile, groups,
};
use crate::policy::Runtime;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const X86_64: u32 = 0xc000_003e;
/// Above every number that a kernel has.
const NUMBERS: u32 = 600;

/// The kernel's `struct seccomp_data`, as 32-bit words.
fn data(number: u32, architecture: u32, arguments: [u64; 6]) -> [u32; 16] {
    let mut words = [0; 16];
    words[0] = number;
    words[1] = architecture;
    for (at, argument) in arguments.into_iter().enumerate() {
        words[4 + 2 * at] = argument as u32;
        words[5 + 2 * at] = (argument >> 32) as u32;
    }
    words
}

/// Runs the program as the kernel would; a jump out of it fails the test.
fn run(program: &[sock_filter], data: &[u32; 16]) -> u32 {
    let (mut at, mut value) = (0, 0);
    loop {
        let op = program[at];
        at += 1;
        let jump = |holds: bool| usize::from(if holds { op.jt } else { op.jf });
        match u32::from(op.code) {
            code if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => value = data[op.k as usize / 4],
            code if code == libc::BPF_ALU | libc::BPF_AND => value &= op.k,
            code if code == libc::BPF_JMP | libc::BPF_JA => at += op.k as usize,
            code if code == libc::BPF_JMP | libc::BPF_JEQ => at += jump(value == op.k),
            code if code == libc::BPF_JMP | libc::BPF_JGE => at += jump(value >= op.k),
            code if code == libc::BPF_JMP | libc::BPF_JSET => at += jump(value & op.k != 0),
            code if code == libc::BPF_RET => return op.k,
            other => panic!("an operation that the program has no need of: {other:#x}"),
        }
    }
}

/// What the list says, read from the top.
fn twin(denials: &[Denial], groups: Option<&[&Group]>, number: u32, arguments: [u64; 6]) -> u32 {
    if number >= 0x4000_0000 || i64::from(number) == libc::SYS_clone3 {
        return ENOSYS;
    }
    let argument = |at: u8| arguments[usize::from(at)] as u32;
    let refuses = |when: When| match when {
        When::Always => true,
        When::Is { argument: at, value } => argument(at) == value,
        When::Holds { argument: at, mask, value } => argument(at) & mask == value,
        When::HasAny { argument: at, bits } => argument(at) & bits != 0,
        When::Lacks { argument: at, bits } => argument(at) & bits == 0,
        When::IsNot { argument: at, allowed } => !allowed.contains(&argument(at)),
    };
    let of_it: Vec<&Denial> = denials.iter().filter(|denial| denial.number() == i64::from(number)).collect();
    let named = |group: &&Group| group.calls.iter().any(|(_, known)| *known == i64::from(number));
    let listed = groups.is_none_or(|groups| groups.iter().any(named));
    if !listed && !of_it.iter().any(|denial| denial.when == When::Always) {
        return ENOSYS;
    }
    match of_it.iter().find(|denial| refuses(denial.when)) {
        Some(Denial { when: When::Lacks { .. }, .. }) => ENOSYS,
        Some(_) => EPERM,
        None => ALLOW,
    }
}

/// Arguments around everything that the list compares with, and the same with bits above the 32 that the kernel looks at.
fn arguments() -> Vec<[u64; 6]> {
    let mut values =
        vec![0, 1, 0x541, 0x5412, 0x541c, 0x5413, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff, 2, 10, 16, 17];
    values.extend((0..32).map(|bit| 1_u64 << bit));
    values.extend([0o020_644, 0o060_600, 0o100_644, 0o120_777]);
    let high: Vec<u64> = values.iter().map(|value| value | 0xdead_0000_0000_0000).collect();
    values.extend(high);
    values.into_iter().map(|value| [value; 6]).collect()
}

/// The lists of a contained child of this runtime.
fn contained(runtime: Runtime) -> (Vec<Denial>, Vec<&'static Group>) {
    ([DENIALS, DENIALS_CONTAINED, DENIALS_WITHOUT_NET].concat(), groups(runtime))
}

fn check(denials: &[Denial], groups: Option<&[&Group]>) {
    let program = compile(denials, groups, Watch::Nothing);
    for number in (0..NUMBERS).chain([0x4000_0000, 0x4000_0065, u32::MAX]) {
        for arguments in arguments() {
            let found = run(&program, &data(number, X86_64, arguments));
            let expected = twin(denials, groups, number, arguments);
            assert_eq!(found, expected, "call {number} with {:#x}", arguments[0]);
        }
    }
}

#[test]
fn the_tree_says_what_the_list_says() {
    let with_net_closed = [DENIALS, DENIALS_WITHOUT_NET].concat();
    for denials in [&[], &DENIALS[..1], &DENIALS[..3], DENIALS, &with_net_closed] {
        check(denials, None);
    }
}

#[test]
fn the_tree_of_a_runtime_lets_through_its_groups_alone() {
    for runtime in
        [Runtime::Deno, Runtime::Node, Runtime::Bun, Runtime::Python, Runtime::Php, Runtime::Native]
    {
        let (denials, groups) = contained(runtime);
        check(&denials, Some(&groups));
    }
    check(&[DENIALS, DENIALS_CONTAINED, DENIALS_WITH_NET].concat(), Some(&groups(Runtime::Deno)));
    check(&[], Some(&[]));
}

#[test]
fn no_call_is_in_two_groups_or_both_let_through_and_always_refused() {
    let all = groups(Runtime::Native);
    let mut names: Vec<&str> = all.iter().flat_map(|group| group.calls()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for denial in DENIALS.iter().filter(|denial| denial.when == When::Always) {
        assert!(!names.contains(&denial.call), "{denial}");
    }
    assert!(all.iter().all(|group| group.reason.len() > 10));
}

#[test]
fn another_architecture_ends_the_process() {
    const I386: u32 = 0x4000_0003;
    assert_eq!(run(&compile(DENIALS, None, Watch::Nothing), &data(20, I386, [0; 6])), KILL);
}

#[test]
fn the_program_fits_the_kernel_s_bound() {
    let (denials, groups) = contained(Runtime::Native);
    for length in
        [compile(DENIALS, None, Watch::Nothing).len(), compile(&denials, Some(&groups), Watch::Nothing).len()]
    {
        assert!(
            length < 300,
            "{length} instructions; the kernel takes 4,096, and each child pays for every one"
        );
    }
}

#[test]
fn every_denial_has_its_reason() {
    for denial in [DENIALS, DENIALS_CONTAINED, DENIALS_WITH_NET, DENIALS_WITHOUT_NET].concat() {
        assert!(denial.reason.len() > 10, "{denial}");
    }
    let shown: Vec<String> =
        DENIALS.iter().filter(|denial| denial.call == "ioctl").map(Denial::to_string).collect();
    assert_eq!(
        shown[0],
        "ioctl (argument 1 is 0x5412): types into the terminal of the person who started it"
    );
}

#[test]
fn a_watched_program_asks_before_it_leads_anywhere() {
    let groups = groups(Runtime::Python);
    let plain = compile(DENIALS, Some(&groups), Watch::Nothing);
    let watched = compile(DENIALS, Some(&groups), Watch::Network);
    for number in 0..NUMBERS {
        let data = data(number, X86_64, [0; 6]);
        let asks = [libc::SYS_connect, libc::SYS_bind, libc::SYS_listen].contains(&i64::from(number));
        let expected = if asks { libc::SECCOMP_RET_USER_NOTIF } else { run(&plain, &data) };
        assert_eq!(run(&watched, &data), expected, "call {number}");
    }
}

#[test]
fn a_program_that_is_made_once_is_the_one_of_its_own_lists() {
    let runtimes = [groups(Runtime::Deno), groups(Runtime::Native)];
    for groups in runtimes.iter().chain(&runtimes) {
        let plain = |program: &[sock_filter]| -> Vec<(u16, u8, u8, u32)> {
            program.iter().map(|line| (line.code, line.jt, line.jf, line.k)).collect()
        };
        for watch in [Watch::Nothing, Watch::Network, Watch::Wants] {
            let made = compile(DENIALS, Some(groups), watch);
            let kept = super::compiled(DENIALS, Some(groups), watch);
            assert_eq!(plain(&made), plain(&kept));
        }
    }
    let kept = || super::compiled(DENIALS, None, Watch::Nothing);
    assert!(std::sync::Arc::ptr_eq(&kept(), &kept()));
}

#[test]
fn an_observed_program_asks_where_it_would_refuse_and_lets_nothing_more_through() {
    for runtime in [Runtime::Deno, Runtime::Python, Runtime::Native] {
        let (denials, groups) = contained(runtime);
        let plain = compile(&denials, Some(&groups), Watch::Nothing);
        let observed = compile(&denials, Some(&groups), Watch::Wants);
        for number in 0..NUMBERS {
            for arguments in arguments() {
                let data = data(number, X86_64, arguments);
                let (held, seen) = (run(&plain, &data), run(&observed, &data));
                let is_let_through = NAMINGS.iter().any(|naming| naming.number == i64::from(number));
                match seen {
                    ALLOW => assert_eq!(held, ALLOW, "call {number}"),
                    libc::SECCOMP_RET_USER_NOTIF if is_let_through => {
                        assert_eq!(held, ALLOW, "call {number}")
                    }
                    libc::SECCOMP_RET_USER_NOTIF => {}
                    other => assert_eq!(held, other, "call {number}"),
                }
            }
        }
    }
}

#[test]
fn what_names_a_file_is_never_among_what_is_refused() {
    for naming in NAMINGS {
        let lists = [DENIALS, DENIALS_CONTAINED, DENIALS_WITH_NET, DENIALS_WITHOUT_NET, DENIALS_BROKERED];
        assert!(lists.iter().all(|list| list.iter().all(|denial| denial.number() != naming.number)));
    }
}
