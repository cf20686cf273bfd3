//! The list made into a filter program: a search tree over the calls' numbers, each leaf with its conditions.
//!
//! The kernel runs the program once for every number when it is installed, to learn which calls need no filter. A plain list of
//! comparisons made that two thirds of a contained launch (0.2 ms of 0.3); as a tree of short conditions it costs less than half.

use std::collections::BTreeMap;

use libc::sock_filter;

use super::{Denial, When};

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
/// Two comparisons in a row are as quick as one more branch.
const LEAF_CALLS: usize = 2;

const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const JUMP_IF_ANY_BIT: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const JUMP_IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;

/// A filter program as the kernel takes it.
pub(crate) type Program = Vec<sock_filter>;

/// The filter program that refuses these calls.
pub(crate) fn compile(denials: &[Denial]) -> Program {
    let mut conditions: BTreeMap<u32, Vec<When>> = BTreeMap::new();
    for denial in denials {
        let number = u32::try_from(denial.number).expect("call numbers are small");
        conditions.entry(number).or_default().push(denial.when);
    }
    let calls: Vec<(u32, Program)> =
        conditions.into_iter().map(|(number, whens)| (number, verdict(&whens))).collect();
    let mut program = before_the_list().to_vec();
    program.extend(tree(&calls));
    program
}

/// What refuses a call on its arguments: the next condition follows, should this one not hold.
fn condition(when: When) -> Program {
    let refuse = answer(libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned());
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
        answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned()),
    ]
}

/// What is answered once the number is known: any condition that holds refuses.
fn verdict(conditions: &[When]) -> Program {
    let mut program: Program = conditions.iter().flat_map(|when| condition(*when)).collect();
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program
}

/// The calls, sorted by number, as a tree of comparisons. A number that is not among them is let through.
fn tree(calls: &[(u32, Program)]) -> Program {
    if calls.len() <= LEAF_CALLS {
        return leaf(calls);
    }
    let (left, right) = calls.split_at(calls.len() / 2);
    let below = tree(left);
    // A conditional jump reaches 255 instructions, a plain one any number.
    let mut program = vec![branch(JUMP_IF_AT_LEAST, right[0].0, 0, 1), jump(below.len())];
    program.extend(below);
    program.extend(tree(right));
    program
}

fn leaf(calls: &[(u32, Program)]) -> Program {
    let mut program = Vec::new();
    for (number, verdict) in calls {
        program.push(branch(JUMP_IF_EQUAL, *number, 1, 0));
        program.push(jump(verdict.len()));
        program.extend(verdict.iter().copied());
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program
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
