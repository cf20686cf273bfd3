//! The calls by which a program names a file: where in their arguments the names stand, and what they do with them. For a child that is
//! observed; none of them may be among those that are ever refused, since whoever observes lets them through.

/// What a call does with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Asks what is there.
    Look,
    /// Opens it, by the flags in this argument.
    Open(u8),
    /// Opens it, by the flags that lie where this argument points.
    OpenHow(u8),
    /// Makes, moves or removes the name.
    Make,
    /// Changes what is there.
    Change,
    /// Runs it.
    Run,
}

/// One name of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Naming {
    pub(crate) number: libc::c_long,
    /// The argument with the folder in which a relative name is looked for; the working folder where there is none.
    pub(crate) folder: Option<u8>,
    /// The argument with the name.
    pub(crate) name: u8,
    pub(crate) deed: Deed,
}

const fn here(number: libc::c_long, name: u8, deed: Deed) -> Naming {
    Naming { number, folder: None, name, deed }
}

const fn at(number: libc::c_long, folder: u8, deed: Deed) -> Naming {
    Naming { number, folder: Some(folder), name: folder + 1, deed }
}

/// Every name of every such call. Of `execveat` none: the launcher itself uses it, when nobody answers yet.
pub(crate) const NAMINGS: &[Naming] = &[
    here(libc::SYS_open, 0, Deed::Open(1)),
    at(libc::SYS_openat, 0, Deed::Open(2)),
    at(libc::SYS_openat2, 0, Deed::OpenHow(2)),
    here(libc::SYS_creat, 0, Deed::Make),
    here(libc::SYS_execve, 0, Deed::Run),
    here(libc::SYS_mkdir, 0, Deed::Make),
    at(libc::SYS_mkdirat, 0, Deed::Make),
    here(libc::SYS_rmdir, 0, Deed::Make),
    here(libc::SYS_unlink, 0, Deed::Make),
    at(libc::SYS_unlinkat, 0, Deed::Make),
    here(libc::SYS_rename, 0, Deed::Make),
    here(libc::SYS_rename, 1, Deed::Make),
    at(libc::SYS_renameat, 0, Deed::Make),
    at(libc::SYS_renameat, 2, Deed::Make),
    at(libc::SYS_renameat2, 0, Deed::Make),
    at(libc::SYS_renameat2, 2, Deed::Make),
    here(libc::SYS_symlink, 1, Deed::Make),
    at(libc::SYS_symlinkat, 1, Deed::Make),
    here(libc::SYS_link, 1, Deed::Make),
    at(libc::SYS_linkat, 2, Deed::Make),
    here(libc::SYS_truncate, 0, Deed::Change),
    here(libc::SYS_stat, 0, Deed::Look),
    here(libc::SYS_lstat, 0, Deed::Look),
    here(libc::SYS_access, 0, Deed::Look),
    at(libc::SYS_newfstatat, 0, Deed::Look),
    at(libc::SYS_statx, 0, Deed::Look),
    at(libc::SYS_faccessat, 0, Deed::Look),
    at(libc::SYS_faccessat2, 0, Deed::Look),
];
