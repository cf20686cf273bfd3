//! The list made into a filter program: a search tree over the calls' numbers, each leaf with its conditions.
//!
//! The kernel translates the program for every child and runs it once for every number, to learn which calls need no filter.
//! A plain list of comparisons made that two thirds of a contained launch (0.2 ms of 0.3). So it is a tree, neighbours that are
//! refused alike are one range, and no jump is longer than it has to be.

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

/// Neighbouring numbers with one answer: a single number when there are conditions.
struct Calls {
    first: u32,
    last: u32,
    /// Any that holds refuses; none that is left means always.
    conditions: Vec<When>,
}

/// The filter program that refuses these calls.
pub(crate) fn compile(denials: &[Denial]) -> Program {
    let mut conditions: BTreeMap<u32, Vec<When>> = BTreeMap::new();
    for denial in denials {
        let number = u32::try_from(denial.number).expect("call numbers are small");
        conditions.entry(number).or_default().push(denial.when);
    }
    let mut calls: Vec<Calls> = Vec::new();
    for (number, whens) in conditions {
        let always = whens.contains(&When::Always);
        match calls.last_mut() {
            Some(before) if always && before.conditions.is_empty() && before.last + 1 == number => {
                before.last = number;
            }
            _ => calls.push(Calls {
                first: number,
                last: number,
                conditions: if always { Vec::new() } else { whens },
            }),
        }
    }
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

/// The calls, sorted by number, as a tree of comparisons. A number that is not among them is let through.
fn tree(calls: &[Calls]) -> Program {
    if calls.len() <= LEAF_CALLS {
        let mut program: Program = calls.iter().flat_map(tested).collect();
        program.push(answer(libc::SECCOMP_RET_ALLOW));
        return program;
    }
    let (left, right) = calls.split_at(calls.len() / 2);
    let below = tree(left);
    // A conditional jump reaches 255 instructions, a plain one any number.
    let mut program = match u8::try_from(below.len()) {
        Ok(over) => vec![branch(JUMP_IF_AT_LEAST, right[0].first, over, 0)],
        Err(_) => vec![branch(JUMP_IF_AT_LEAST, right[0].first, 0, 1), jump(below.len())],
    };
    program.extend(below);
    program.extend(tree(right));
    program
}

/// Refuses these calls, and goes on behind itself for all others.
fn tested(calls: &Calls) -> Program {
    let refuse = answer(libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned());
    if calls.first < calls.last {
        return vec![
            branch(JUMP_IF_AT_LEAST, calls.first, 0, 2),
            branch(JUMP_IF_AT_LEAST, calls.last + 1, 1, 0),
            refuse,
        ];
    }
    if calls.conditions.is_empty() {
        return vec![branch(JUMP_IF_EQUAL, calls.first, 0, 1), refuse];
    }
    // The conditions lose the number, so what they let through is answered here.
    let mut verdict: Program = calls.conditions.iter().flat_map(|when| condition(*when)).collect();
    verdict.push(answer(libc::SECCOMP_RET_ALLOW));
    let over = u8::try_from(verdict.len()).expect("a call has few conditions");
    let mut program = vec![branch(JUMP_IF_EQUAL, calls.first, 0, over)];
    program.extend(verdict);
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
