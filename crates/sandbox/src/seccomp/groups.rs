//! The calls that contained programs may make, in groups with a reason each, and which runtime needs which group.
//!
//! What is in no group of a runtime answers `ENOSYS`, as on an older kernel: programs ask for what is new and fall back. What is
//! dangerous is named in the other list and answers `EPERM`, as if the user lacked the right.

use super::Group;
use crate::policy::Runtime;

/// Names and numbers of calls.
macro_rules! calls {
    ($($call:ident)*) => { &[$((stringify!($call), libc::$call)),*] };
}

/// Files by descriptor.
const FILES: Group = Group {
    name: "files",
    reason: "reads and writes what it has opened, opens what Landlock and its mounts let it",
    calls: calls![
        SYS_read SYS_write SYS_readv SYS_writev SYS_pread64 SYS_pwrite64 SYS_preadv SYS_pwritev SYS_preadv2
        SYS_pwritev2 SYS_open SYS_openat SYS_openat2 SYS_creat SYS_close SYS_close_range SYS_lseek SYS_dup
        SYS_dup2 SYS_dup3 SYS_fcntl SYS_flock SYS_fsync SYS_fdatasync SYS_sync_file_range SYS_ftruncate
        SYS_truncate SYS_fallocate SYS_fadvise64 SYS_readahead SYS_copy_file_range SYS_sendfile SYS_splice
        SYS_tee SYS_vmsplice SYS_pipe SYS_pipe2 SYS_ioctl
    ],
};

/// Names, folders and what is kept about files.
const NAMES: Group = Group {
    name: "names",
    reason: "finds, makes, moves and removes names, and reads and sets what is kept about a file, where its mounts let it",
    calls: calls![
        SYS_stat SYS_fstat SYS_lstat SYS_newfstatat SYS_statx SYS_access SYS_faccessat SYS_faccessat2
        SYS_readlink SYS_readlinkat SYS_getdents SYS_getdents64 SYS_getcwd SYS_chdir SYS_fchdir SYS_mkdir
        SYS_mkdirat SYS_rmdir SYS_unlink SYS_unlinkat SYS_rename SYS_renameat SYS_renameat2 SYS_link SYS_linkat
        SYS_symlink SYS_symlinkat SYS_mknod SYS_mknodat SYS_chmod SYS_fchmod SYS_fchmodat SYS_fchmodat2
        SYS_chown SYS_fchown SYS_lchown SYS_fchownat SYS_utime SYS_utimes SYS_futimesat SYS_utimensat SYS_umask
        SYS_statfs SYS_fstatfs SYS_getxattr SYS_lgetxattr SYS_fgetxattr SYS_listxattr SYS_llistxattr
        SYS_flistxattr SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_removexattr SYS_lremovexattr
        SYS_fremovexattr SYS_inotify_init SYS_inotify_init1 SYS_inotify_add_watch SYS_inotify_rm_watch
    ],
};

/// Its own memory.
const MEMORY: Group = Group {
    name: "memory",
    reason: "manages its own memory; files in memory can't be run",
    calls: calls![
        SYS_brk SYS_mmap SYS_munmap SYS_mremap SYS_mprotect SYS_madvise SYS_msync SYS_mincore SYS_mlock
        SYS_mlock2 SYS_munlock SYS_mlockall SYS_munlockall SYS_membarrier SYS_memfd_create SYS_get_mempolicy
    ],
};

/// Threads and what they wait for.
const THREADS: Group = Group {
    name: "threads",
    reason: "starts threads, lets them wait for each other and shares the processors among them",
    calls: calls![
        SYS_clone SYS_exit SYS_exit_group SYS_set_tid_address SYS_set_robust_list SYS_get_robust_list
        SYS_futex SYS_futex_waitv SYS_gettid SYS_rseq SYS_arch_prctl SYS_prctl SYS_sched_yield
        SYS_sched_getaffinity SYS_sched_setaffinity SYS_sched_getparam SYS_sched_setparam
        SYS_sched_getscheduler SYS_sched_setscheduler SYS_sched_getattr SYS_sched_setattr
        SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_rr_get_interval SYS_getcpu
        SYS_getpriority SYS_setpriority SYS_ioprio_get SYS_ioprio_set SYS_restart_syscall
    ],
};

/// Processes of its own.
const PROCESSES: Group = Group {
    name: "processes",
    reason: "starts programs under the same confinement, waits for them and signals them",
    calls: calls![
        SYS_fork SYS_vfork SYS_execve SYS_execveat SYS_wait4 SYS_waitid SYS_getpid SYS_getppid SYS_getpgid
        SYS_getpgrp SYS_setpgid SYS_getsid SYS_setsid SYS_kill SYS_tkill SYS_tgkill SYS_rt_sigaction
        SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigsuspend SYS_rt_sigpending SYS_rt_sigtimedwait
        SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo SYS_sigaltstack SYS_pause SYS_pidfd_open
        SYS_pidfd_send_signal SYS_getrlimit SYS_setrlimit SYS_prlimit64 SYS_getrusage SYS_times SYS_unshare
    ],
};

/// The time.
const TIME: Group = Group {
    name: "time",
    reason: "reads clocks, sleeps and sets timers of its own",
    calls: calls![
        SYS_clock_gettime SYS_clock_getres SYS_clock_nanosleep SYS_nanosleep SYS_gettimeofday SYS_time
        SYS_alarm SYS_getitimer SYS_setitimer SYS_timer_create SYS_timer_settime SYS_timer_gettime
        SYS_timer_getoverrun SYS_timer_delete SYS_timerfd_create SYS_timerfd_settime SYS_timerfd_gettime
    ],
};

/// Waiting for many things.
const EVENTS: Group = Group {
    name: "events",
    reason: "waits for many descriptors at once, as every event loop does",
    calls: calls![
        SYS_poll SYS_ppoll SYS_select SYS_pselect6 SYS_epoll_create SYS_epoll_create1 SYS_epoll_ctl
        SYS_epoll_wait SYS_epoll_pwait SYS_epoll_pwait2 SYS_eventfd SYS_eventfd2 SYS_signalfd SYS_signalfd4
    ],
};

/// Sockets.
const SOCKETS: Group = Group {
    name: "sockets",
    reason: "talks over local sockets, and over the network as far as `net` lets it",
    calls: calls![
        SYS_socket SYS_socketpair SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_connect SYS_getsockname
        SYS_getpeername SYS_getsockopt SYS_setsockopt SYS_shutdown SYS_sendto SYS_recvfrom SYS_sendmsg
        SYS_recvmsg SYS_sendmmsg SYS_recvmmsg
    ],
};

/// Questions.
const QUESTIONS: Group = Group {
    name: "questions",
    reason: "asks who it is and what machine it is on, and for random bytes",
    calls: calls![
        SYS_uname SYS_sysinfo SYS_getrandom SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getresuid
        SYS_getresgid SYS_getgroups SYS_capget SYS_personality
    ],
};

/// Confining itself further.
const NARROWING: Group = Group {
    name: "narrowing",
    reason: "gives up more by itself: filters, Landlock domains, capabilities",
    calls: calls![
        SYS_seccomp SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self SYS_capset
    ],
};

/// Other users.
const USERS: Group = Group {
    name: "users",
    reason: "servers and tools change to another user of their namespace; without new rights it can only be a lesser one",
    calls: calls![
        SYS_setuid SYS_setgid SYS_setreuid SYS_setregid SYS_setresuid SYS_setresgid SYS_setgroups SYS_setfsuid
        SYS_setfsgid
    ],
};

/// Engines that compile as they run.
const ENGINE: Group = Group {
    name: "engine",
    reason: "a JavaScript engine guards the code that it compiles with keys of its own",
    calls: calls![SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect],
};

/// System V memory, semaphores and queues, and POSIX queues.
const SHARING: Group = Group {
    name: "sharing",
    reason: "extensions share memory and queues among their own processes, in an ipc namespace of their own",
    calls: calls![
        SYS_shmget SYS_shmat SYS_shmdt SYS_shmctl SYS_semget SYS_semop SYS_semtimedop SYS_semctl SYS_msgget
        SYS_msgsnd SYS_msgrcv SYS_msgctl SYS_mq_open SYS_mq_unlink SYS_mq_timedsend SYS_mq_timedreceive
        SYS_mq_notify SYS_mq_getsetattr
    ],
};

/// Files written aside, memory near a processor: what databases and number programs use.
const TUNING: Group = Group {
    name: "tuning",
    reason: "databases and number programs queue their writes and place their memory",
    calls: calls![
        SYS_io_setup SYS_io_destroy SYS_io_submit SYS_io_cancel SYS_io_getevents SYS_mbind
        SYS_set_mempolicy SYS_migrate_pages SYS_move_pages SYS_syncfs SYS_remap_file_pages SYS_name_to_handle_at
    ],
};

/// What every program needs.
const COMMON: [&Group; 10] =
    [&FILES, &NAMES, &MEMORY, &THREADS, &PROCESSES, &TIME, &EVENTS, &SOCKETS, &QUESTIONS, &NARROWING];

/// The groups of a runtime, in a fixed order.
pub fn groups(runtime: Runtime) -> Vec<&'static Group> {
    let more: &[&Group] = match runtime {
        Runtime::Deno | Runtime::Bun => &[&ENGINE],
        Runtime::Node => &[&USERS, &ENGINE],
        Runtime::Python | Runtime::Php => &[&USERS, &SHARING],
        // It could be any program.
        Runtime::Native | Runtime::Command => &[&USERS, &ENGINE, &SHARING, &TUNING],
    };
    COMMON.iter().chain(more).copied().collect()
}
