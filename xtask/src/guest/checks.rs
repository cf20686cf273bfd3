//! What is checked in the guest, and the forms of the guest it is checked in.

#[cfg(test)]
mod tests;

/// How the guest is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As Debian has it.
    Plain,
    /// Without cgroup v2's controller for memory.
    NoMemory,
    /// Without Landlock, as on a machine where nobody turned it on.
    NoLandlock,
    /// Its root is the initial one, which can't be pivoted away from.
    InitialRoot,
}

impl Form {
    /// All of them, in the order in which they run.
    pub(super) const ALL: [Self; 4] = [Self::Plain, Self::NoMemory, Self::NoLandlock, Self::InitialRoot];

    /// Its word on the command line and for the checks.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::NoMemory => "no-memory",
            Self::NoLandlock => "no-landlock",
            Self::InitialRoot => "initial-root",
        }
    }

    /// What the kernel is told for it.
    pub(super) const fn parameters(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::NoMemory => "cgroup_disable=memory",
            Self::NoLandlock => "lsm=lockdown,yama",
            Self::InitialRoot => "GUEST_ROOT=initial",
        }
    }
}

/// What runs a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// A file of `conformance/guest/checks`.
    Script,
    /// The attempts to escape, built here.
    Attempts,
    /// The tests of a crate whose names begin with one of these, without those that hold one of the others.
    Tests { package: &'static str, of: &'static [&'static str], but: &'static [&'static str] },
}

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) runs: Runs,
    /// Its time in the guest, in seconds: three times what it took on the slowest machine seen.
    pub(super) seconds: u32,
    pub(super) forms: &'static [Form],
}

const EVERYWHERE: &[Form] = &Form::ALL;
const PLAIN: &[Form] = &[Form::Plain];

/// Tests of what Landlock ABI 2 lacks (ports, scopes, and that nothing is lacking; `doctor` is checked for stating these), and one that
/// starts more at once than an emulated processor can within the tests' deadline.
const NOT_HERE: &[&str] = &[
    "launches::three_hundred_launches_leave_no_descriptor_and_no_zombie",
    "layers::a_net_permission_with_ports_opens_these_ports_alone",
    "layers::processes_and_abstract_sockets_outside_are_out_of_reach",
    "layers::the_probes_find_here_what_the_tests_above_saw",
    "layers::without_a_net_permission_no_tcp_port_is_bound_or_reached",
];

/// All checks in their order.
pub(super) const CHECKS: [Check; 8] = [
    Check { name: "facts", runs: Runs::Script, seconds: 60, forms: EVERYWHERE },
    Check { name: "doctor", runs: Runs::Script, seconds: 120, forms: EVERYWHERE },
    Check { name: "door", runs: Runs::Script, seconds: 240, forms: EVERYWHERE },
    Check { name: "bounds", runs: Runs::Script, seconds: 300, forms: &[Form::Plain, Form::NoMemory] },
    Check { name: "delegated", runs: Runs::Script, seconds: 240, forms: &[Form::Plain, Form::NoMemory] },
    Check { name: "escape", runs: Runs::Attempts, seconds: 1200, forms: PLAIN },
    Check {
        name: "sandbox",
        runs: Runs::Tests { package: "sandbox", of: &[], but: NOT_HERE },
        seconds: 600,
        forms: PLAIN,
    },
    Check {
        name: "host",
        runs: Runs::Tests { package: "host", of: &["crash::", "disk::", "governor::", "pids::"], but: &[] },
        seconds: 900,
        forms: PLAIN,
    },
];
