//! The list made into a filter program: a search tree over the calls' numbers, each leaf with its conditions.
//!
//! The kernel translates the program for every child and runs it once for every number, to learn which calls need no filter.
//! A plain list of comparisons made that two thirds of a contained launch (0.2 ms of 0.3). So it is a tree, neighbours with the
//! same answer are one range, and no jump is longer than it has to be.

use std::collections::BTreeMap;

use libc::sock_filter;

use super::{Denial, Group, NAMINGS, WATCHED, Watch, When};

/// Where the call's number lies in `struct seccomp_data`.
const NUMBER_OFFSET: u32 = 0;
/// Where the architecture lies in `struct seccomp_data`.
const ARCHITECTURE_OFFSET: u32 = 4;
/// Where the arguments lie in `struct seccomp_data`, 8 bytes each.
const ARGUMENTS_OFFSET: u32 = 16;
/// The kernel's `AUDIT_ARCH_X86_64`.
const ARCHITECTURE_X86_64: u32 = 0xc000_003e;
/// Numbers from here on are x32 twins.
const X32_FROM: u32 = 0x4000_0000;
const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const JUMP_IF_ANY_BIT: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const JUMP_IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;

/// A filter program as the kernel takes it.
pub(crate) type Program = Vec<sock_filter>;

/// Numbers from `first` up to the next entry's, with one answer.
struct Calls {
    first: u32,
    verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Whatever the arguments.
    Always(u32),
    /// Any of these refuses; what they let through goes on.
    Unless(Vec<When>),
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned();
const ASK: u32 = libc::SECCOMP_RET_USER_NOTIF;
const ABSENT: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();

/// The filter program that refuses the denials. With groups, it lets through what is in them and nothing else. When it is watched,
/// somebody outside answers the calls that lead to the network; when it is observed, those too that name files and those that are refused.
pub(crate) fn compile(denials: &[Denial], groups: Option<&[&Group]>, watch: Watch) -> Program {
    let (refuse, absent) = match watch {
        Watch::Nothing | Watch::Network => (REFUSE, ABSENT),
        Watch::Wants => (ASK, ASK),
    };
    let mut verdicts: BTreeMap<u32, Verdict> = BTreeMap::new();
    for (_, number) in groups.into_iter().flatten().flat_map(|group| group.calls) {
        verdicts.insert(small(*number), Verdict::Always(ALLOW));
    }
    let mut conditions: BTreeMap<u32, Vec<When>> = BTreeMap::new();
    for denial in denials {
        conditions.entry(small(denial.number)).or_default().push(denial.when);
    }
    for (number, whens) in conditions {
        let is_open = groups.is_none() || verdicts.contains_key(&number);
        let verdict = match whens.contains(&When::Always) {
            true => Verdict::Always(refuse),
            // What is refused on some arguments is not there at all for whom it is in no group.
            false if !is_open => continue,
            false => Verdict::Unless(whens),
        };
        verdicts.insert(number, verdict);
    }
    if watch == Watch::Wants {
        for number in NAMINGS.iter().map(|naming| small(naming.number)) {
            let is_open = match verdicts.get(&number) {
                Some(verdict) => *verdict == Verdict::Always(ALLOW),
                None => groups.is_none(),
            };
            // Whoever observes lets them through, so what is ever refused is not among them.
            if is_open {
                verdicts.insert(number, Verdict::Always(ASK));
            }
        }
    }
    if watch != Watch::Nothing {
        verdicts.extend(WATCHED.iter().map(|number| (small(*number), Verdict::Always(ASK))));
    }
    let otherwise = Verdict::Always(if groups.is_some() { absent } else { ALLOW });
    let mut program = before_the_list().to_vec();
    program.extend(tree(&ranges(verdicts, &otherwise), refuse));
    program
}

fn small(number: libc::c_long) -> u32 {
    u32::try_from(number).expect("call numbers are small")
}

/// The verdicts as ranges that cover all numbers, without two alike side by side.
fn ranges(verdicts: BTreeMap<u32, Verdict>, otherwise: &Verdict) -> Vec<Calls> {
    let mut calls = vec![Calls { first: 0, verdict: otherwise.clone() }];
    let mut push = |first: u32, verdict: Verdict| {
        let last = calls.last_mut().expect("there is always the first");
        if last.verdict == verdict {
            return;
        }
        if last.first == first {
            last.verdict = verdict;
        } else {
            calls.push(Calls { first, verdict });
        }
    };
    let mut next = 0;
    for (number, verdict) in verdicts {
        if number > next {
            push(next, otherwise.clone());
        }
        push(number, verdict);
        next = number + 1;
    }
    push(next, otherwise.clone());
    calls
}

/// What refuses a call on its arguments: the next condition follows, should this one not hold.
fn condition(when: When, refuse: u32) -> Program {
    let refuse = answer(refuse);
    // The lower half of an argument comes first on this architecture.
    let load = |argument: u8| {
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, ARGUMENTS_OFFSET + 8 * u32::from(argument))
    };
    match when {
        When::Always => vec![refuse],
        When::Is { argument, value } => vec![load(argument), branch(JUMP_IF_EQUAL, value, 0, 1), refuse],
        When::Holds { argument, mask, value } => {
            let cut = statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, mask);
            vec![load(argument), cut, branch(JUMP_IF_EQUAL, value, 0, 1), refuse]
        }
        When::HasAny { argument, bits } => vec![load(argument), branch(JUMP_IF_ANY_BIT, bits, 0, 1), refuse],
        When::Lacks { argument, bits } => {
            vec![load(argument), branch(JUMP_IF_ANY_BIT, bits, 1, 0), answer(ABSENT)]
        }
        When::IsNot { argument, allowed } => {
            let mut program = vec![load(argument)];
            for (at, value) in allowed.iter().enumerate() {
                let past_the_refusal = u8::try_from(allowed.len() - at).expect("lists of values are short");
                program.push(branch(JUMP_IF_EQUAL, *value, past_the_refusal, 0));
            }
            program.push(refuse);
            program
        }
    }
}

/// What stands before the list: calls of another architecture end the process, x32 twins and `clone3` are not there.
fn before_the_list() -> [sock_filter; 7] {
    let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
    let clone3 = u32::try_from(libc::SYS_clone3).expect("call numbers are small");
    [
        load(ARCHITECTURE_OFFSET),
        branch(JUMP_IF_EQUAL, ARCHITECTURE_X86_64, 1, 0),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER_OFFSET),
        branch(JUMP_IF_AT_LEAST, X32_FROM, 1, 0),
        branch(JUMP_IF_EQUAL, clone3, 0, 1),
        answer(ABSENT),
    ]
}

/// The ranges, sorted by number, as a tree of comparisons.
fn tree(calls: &[Calls], refuse: u32) -> Program {
    if let [only] = calls {
        return verdict(&only.verdict, refuse);
    }
    let (left, right) = calls.split_at(calls.len() / 2);
    let below = tree(left, refuse);
    // A conditional jump reaches 255 instructions, a plain one any number.
    let mut program = match u8::try_from(below.len()) {
        Ok(over) => vec![branch(JUMP_IF_AT_LEAST, right[0].first, over, 0)],
        Err(_) => vec![branch(JUMP_IF_AT_LEAST, right[0].first, 0, 1), jump(below.len())],
    };
    program.extend(below);
    program.extend(tree(right, refuse));
    program
}

fn verdict(verdict: &Verdict, refuse: u32) -> Program {
    match verdict {
        Verdict::Always(action) => vec![answer(*action)],
        Verdict::Unless(whens) => {
            let mut program: Program = whens.iter().flat_map(|when| condition(*when, refuse)).collect();
            program.push(answer(ALLOW));
            program
        }
    }
}

fn jump(over: usize) -> sock_filter {
    statement(
        libc::BPF_JMP | libc::BPF_JA,
        u32::try_from(over).expect("programs have below 4,096 instructions"),
    )
}

fn answer(action: u32) -> sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, action)
}

fn statement(code: u32, k: u32) -> sock_filter {
    branch(code, k, 0, 0)
}

fn branch(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).expect("operation codes are 16 bits"), jt, jf, k }
}
