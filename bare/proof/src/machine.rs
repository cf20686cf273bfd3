//! The machine: where the program begins and ends, how it says something, and what every compiler takes for granted.

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;

// The entry gets a stack whose top is aligned to 16 bytes; a call expects it so before it pushes its return address.
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "and rsp, -16",
    "call {entry}",
    "ud2",
    entry = sym entry,
);

/// Linux' number for `write`.
const WRITE: usize = 1;

/// Linux' number for `exit_group`.
const EXIT: usize = 231;

extern "C" fn entry() -> ! {
    match crate::run() {
        Ok(()) => exit(0),
        Err(why) => {
            say("failed: ");
            say(why);
            say("\n");
            exit(1)
        }
    }
}

/// A line, or a part of one, for whoever watches.
pub(crate) fn say(text: &str) {
    // Nobody is told when nobody listens.
    let _ = call(WRITE, 1, text.as_ptr() as usize, text.len());
}

/// A number in decimal digits.
pub(crate) fn say_number(mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    say(core::str::from_utf8(&digits[at..]).unwrap_or("?"));
}

fn exit(code: usize) -> ! {
    call(EXIT, code, 0, 0);
    // SAFETY: not reached, and an illegal instruction is the one way to end that needs nothing else.
    unsafe { asm!("ud2", options(noreturn)) }
}

fn call(number: usize, first: usize, second: usize, third: usize) -> isize {
    let result: isize;
    // SAFETY: the two calls made here read at most the memory of a live `&str`; the system clobbers rcx and r11 only.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    say("panicked");
    if let Some(place) = info.location() {
        say(" at ");
        say(place.file());
        say(":");
        say_number(u64::from(place.line()));
    }
    say("\n");
    exit(101)
}

/// Named by the unwind tables of the prebuilt libraries; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Named by the same tables; nothing resumes here.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    exit(102)
}

/// # Safety
/// As in C: both ranges are valid for `len` bytes and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the ranges are the caller's promise; the direction flag is clear by the calling convention.
    unsafe {
        asm!("rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack));
    }
    to
}

/// # Safety
/// As in C: both ranges are valid for `len` bytes; they may overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= len {
        // SAFETY: the target does not begin inside the source, so a copy from front to back reads before it writes.
        return unsafe { memcpy(to, from, len) };
    }
    // SAFETY: the ranges are the caller's promise and not empty here; copied from the back, and the flag is put back.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "cld",
            inout("rcx") len => _,
            inout("rdi") to.add(len).sub(1) => _,
            inout("rsi") from.add(len).sub(1) => _,
            options(nostack),
        );
    }
    to
}

/// # Safety
/// As in C: the range is valid for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    // SAFETY: the range is the caller's promise; C takes the lowest byte of the number.
    unsafe {
        asm!("rep stosb", inout("rcx") len => _, inout("rdi") to => _, in("al") byte as u8, options(nostack));
    }
    to
}

/// # Safety
/// As in C: both ranges are valid for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, len: usize) -> i32 {
    for at in 0..len {
        // SAFETY: `at` is below the length that the caller promises.
        let (left, right) = unsafe { (one.add(at).read_volatile(), other.add(at).read_volatile()) };
        if left != right {
            return i32::from(left) - i32::from(right);
        }
    }
    0
}

/// # Safety
/// As in C: both ranges are valid for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, len: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(one, other, len) }
}

/// # Safety
/// As in C: the text ends with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut len = 0;
    // SAFETY: every byte up to the zero is valid by the caller's promise.
    while unsafe { text.add(len).read_volatile() } != 0 {
        len += 1;
    }
    len
}
