//! The list itself: each call, when it is refused, and why.

use super::{Denial, When};

/// Every flag that makes or changes a namespace in `clone` and `unshare`.
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET)
    .cast_unsigned();

/// `CLONE_NEWTIME`: in `clone` this bit belongs to the exit signal, so it counts for `unshare` only.
const NAMESPACE_TIME: u32 = 0x80;

/// Personalities that programs ask for in earnest: Linux, 32-bit Linux, both with 2.6 version numbers, and the question alone.
const PERSONALITIES: &[u32] = &[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

const fn always(call: &'static str, number: libc::c_long, reason: &'static str) -> Denial {
    Denial { call, number, when: When::Always, reason }
}

const fn when(call: &'static str, number: libc::c_long, when: When, reason: &'static str) -> Denial {
    Denial { call, number, when, reason }
}

const QUEUE: &str = "does other calls where no filter sees them";
const SPY: &str = "reads or changes other processes";
const KEYS: &str = "reaches keys of the user's other sessions";
const PROGRAM: &str = "runs code in the kernel";
const FAULTS: &str = "stops the kernel inside a copy: a tool of attacks on it";
const MOUNT: &str = "changes what paths mean";
const REPLACE: &str = "replaces the kernel or parts of it";
const MACHINE: &str = "changes the whole machine";
const CLOCK: &str = "changes everybody's clock";
const HANDLE: &str = "opens files past every folder's rights";
const NAMESPACE: &str = "a new namespace gives rights to parts of the kernel that users don't have";
const TERMINAL: &str = "types into the terminal of the person who started it";
const DISCIPLINE: &str = "has the kernel load a driver for a terminal's line";
const DEVICE: &str = "makes a device node, which opens hardware past all folders";

/// The calls that are refused to every module.
pub const DENIALS: &[Denial] = &[
    always("io_uring_setup", libc::SYS_io_uring_setup, QUEUE),
    always("io_uring_enter", libc::SYS_io_uring_enter, QUEUE),
    always("io_uring_register", libc::SYS_io_uring_register, QUEUE),
    always("ptrace", libc::SYS_ptrace, SPY),
    always("process_vm_readv", libc::SYS_process_vm_readv, SPY),
    always("process_vm_writev", libc::SYS_process_vm_writev, SPY),
    always("process_madvise", libc::SYS_process_madvise, SPY),
    always("pidfd_getfd", libc::SYS_pidfd_getfd, SPY),
    always("kcmp", libc::SYS_kcmp, SPY),
    always("fanotify_init", libc::SYS_fanotify_init, "watches everybody's files"),
    always("keyctl", libc::SYS_keyctl, KEYS),
    always("add_key", libc::SYS_add_key, KEYS),
    always("request_key", libc::SYS_request_key, KEYS),
    always("bpf", libc::SYS_bpf, PROGRAM),
    always("perf_event_open", libc::SYS_perf_event_open, "measures the kernel and other processes"),
    always("userfaultfd", libc::SYS_userfaultfd, FAULTS),
    always("mount", libc::SYS_mount, MOUNT),
    always("umount2", libc::SYS_umount2, MOUNT),
    always("pivot_root", libc::SYS_pivot_root, MOUNT),
    always("chroot", libc::SYS_chroot, MOUNT),
    always("move_mount", libc::SYS_move_mount, MOUNT),
    always("mount_setattr", libc::SYS_mount_setattr, MOUNT),
    always("open_tree", libc::SYS_open_tree, MOUNT),
    always("fsopen", libc::SYS_fsopen, MOUNT),
    always("fsconfig", libc::SYS_fsconfig, MOUNT),
    always("fsmount", libc::SYS_fsmount, MOUNT),
    always("fspick", libc::SYS_fspick, MOUNT),
    always("init_module", libc::SYS_init_module, REPLACE),
    always("finit_module", libc::SYS_finit_module, REPLACE),
    always("delete_module", libc::SYS_delete_module, REPLACE),
    always("kexec_load", libc::SYS_kexec_load, REPLACE),
    always("kexec_file_load", libc::SYS_kexec_file_load, REPLACE),
    always("reboot", libc::SYS_reboot, MACHINE),
    always("swapon", libc::SYS_swapon, MACHINE),
    always("swapoff", libc::SYS_swapoff, MACHINE),
    always("acct", libc::SYS_acct, MACHINE),
    always("quotactl", libc::SYS_quotactl, MACHINE),
    always("quotactl_fd", libc::SYS_quotactl_fd, MACHINE),
    always("sethostname", libc::SYS_sethostname, MACHINE),
    always("setdomainname", libc::SYS_setdomainname, MACHINE),
    always("syslog", libc::SYS_syslog, "reads the kernel's own log, with its addresses"),
    always("vhangup", libc::SYS_vhangup, MACHINE),
    always("iopl", libc::SYS_iopl, "talks to hardware directly"),
    always("ioperm", libc::SYS_ioperm, "talks to hardware directly"),
    always("modify_ldt", libc::SYS_modify_ldt, "changes segments, which only very old programs use"),
    always("settimeofday", libc::SYS_settimeofday, CLOCK),
    always("clock_settime", libc::SYS_clock_settime, CLOCK),
    always("open_by_handle_at", libc::SYS_open_by_handle_at, HANDLE),
    always("setns", libc::SYS_setns, NAMESPACE),
    always("adjtimex", libc::SYS_adjtimex, CLOCK),
    always("clock_adjtime", libc::SYS_clock_adjtime, CLOCK),
    when(
        "unshare",
        libc::SYS_unshare,
        When::HasAny { argument: 0, bits: NAMESPACES | NAMESPACE_TIME },
        NAMESPACE,
    ),
    when("clone", libc::SYS_clone, When::HasAny { argument: 0, bits: NAMESPACES }, NAMESPACE),
    when(
        "personality",
        libc::SYS_personality,
        When::IsNot { argument: 0, allowed: PERSONALITIES },
        "turns off protections of its own memory",
    ),
    when("ioctl", libc::SYS_ioctl, When::Is { argument: 1, value: TIOCSTI }, TERMINAL),
    when("ioctl", libc::SYS_ioctl, When::Is { argument: 1, value: TIOCLINUX }, TERMINAL),
    when("ioctl", libc::SYS_ioctl, When::Is { argument: 1, value: TIOCSETD }, DISCIPLINE),
    when("mknod", libc::SYS_mknod, made(1, libc::S_IFCHR), DEVICE),
    when("mknod", libc::SYS_mknod, made(1, libc::S_IFBLK), DEVICE),
    when("mknodat", libc::SYS_mknodat, made(2, libc::S_IFCHR), DEVICE),
    when("mknodat", libc::SYS_mknodat, made(2, libc::S_IFBLK), DEVICE),
];

/// Puts a byte into a terminal's input.
const TIOCSTI: u32 = 0x5412;
/// Selects and pastes on the console.
const TIOCLINUX: u32 = 0x541c;

/// Gives a terminal another line discipline.
const TIOCSETD: u32 = 0x5423;

const fn made(argument: u8, kind: libc::mode_t) -> When {
    When::Holds { argument, mask: libc::S_IFMT, value: kind }
}

/// Local sockets, pairs of them, and questions about interfaces.
const LOCAL_FAMILIES: &[u32] = &[libc::AF_UNIX.cast_unsigned(), libc::AF_NETLINK.cast_unsigned()];

/// What is refused in addition when there is no `net` permission: Landlock knows TCP alone, so UDP and the rest end here.
pub const DENIALS_WITHOUT_NET: &[Denial] = &[when(
    "socket",
    libc::SYS_socket,
    When::IsNot { argument: 0, allowed: LOCAL_FAMILIES },
    "it has no `net` permission",
)];

/// `MFD_NOEXEC_SEAL`: the file can't be run, for ever.
const NOT_TO_BE_RUN: u32 = 8;

/// What is refused in addition to a contained child.
pub const DENIALS_CONTAINED: &[Denial] = &[
    when(
        "memfd_create",
        libc::SYS_memfd_create,
        When::Lacks { argument: 1, bits: NOT_TO_BE_RUN },
        "a program that lies in no file was approved by nobody",
    ),
    when(
        "execveat",
        libc::SYS_execveat,
        When::HasAny { argument: 4, bits: libc::AT_EMPTY_PATH.cast_unsigned() },
        "a program that lies in no file was approved by nobody",
    ),
];

/// Sockets that a `net` permission means: local ones, both internets, and questions about interfaces.
const FAMILIES: &[u32] = &[
    libc::AF_UNIX.cast_unsigned(),
    libc::AF_INET.cast_unsigned(),
    libc::AF_INET6.cast_unsigned(),
    libc::AF_NETLINK.cast_unsigned(),
];

/// What is refused in addition to a contained child with a `net` permission.
pub const DENIALS_WITH_NET: &[Denial] = &[when(
    "socket",
    libc::SYS_socket,
    When::IsNot { argument: 0, allowed: FAMILIES },
    "rare kinds of sockets reach the machine's host, its devices or old code",
)];

/// `MSG_FASTOPEN`: connects by sending.
const CONNECT_BY_SENDING: u32 = 0x2000_0000;

const SENDS: &str = "connects without asking";

/// What is refused in addition where somebody outside answers for the network.
pub const DENIALS_BROKERED: &[Denial] = &[
    when("sendto", libc::SYS_sendto, When::HasAny { argument: 3, bits: CONNECT_BY_SENDING }, SENDS),
    when("sendmsg", libc::SYS_sendmsg, When::HasAny { argument: 2, bits: CONNECT_BY_SENDING }, SENDS),
    when("sendmmsg", libc::SYS_sendmmsg, When::HasAny { argument: 3, bits: CONNECT_BY_SENDING }, SENDS),
    when(
        "ioctl",
        libc::SYS_ioctl,
        When::Holds { argument: 1, mask: 0xffff_ff00, value: 0x8900 },
        "asks a socket that was opened outside about the machine's interfaces",
    ),
];
