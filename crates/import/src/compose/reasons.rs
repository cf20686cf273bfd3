//! Why a field of compose has no counterpart.

/// Of the whole file.
pub(super) fn of_file(key: &str) -> &'static str {
    match key {
        "volumes" => "programs see the files of this machine",
        "networks" => "programs share the network of this machine",
        "secrets" | "configs" => "programs read files of this machine, or variables passed by `env_pass`",
        "include" => "import those files too, one by one",
        _ => "it has no counterpart",
    }
}

/// Of one service.
pub(super) fn of_service(key: &str) -> &'static str {
    match key {
        "ports" | "expose" => "nothing is mapped: the program listens on this machine by itself",
        "networks" | "links" | "network_mode" | "dns" | "dns_search" | "extra_hosts" | "hostname"
        | "domainname" | "external_links" => "programs share the network and the names of this machine",
        "user" | "group_add" => "everything runs as who runs Ostoja",
        "env_file" => "put its values under `env`, or let the command read it: `set -a; . FILE; exec …`",
        "logging" => "`ostoja logs` keeps what programs say",
        "labels" | "annotations" | "container_name" => "nothing here reads it",
        "privileged" | "cap_add" | "cap_drop" | "security_opt" | "read_only" | "tmpfs" | "devices"
        | "sysctls" => "what a module may touch stands under `permissions`",
        "tty" | "stdin_open" => "programs have no terminal here",
        "secrets" | "configs" => "programs read files of this machine, or variables passed by `env_pass`",
        "cpu_shares" | "cpu_quota" | "cpuset" | "mem_reservation" | "mem_swappiness" | "memswap_limit"
        | "shm_size" | "oom_score_adj" => "shares of the machine are not set per module",
        "scale" => "each copy is an entry of its own here, with a name and a port of its own",
        "extends" => "write what it extends into the service itself, then import again",
        "ulimits" => "only `nofile` is carried over",
        "develop" => "`ostoja reload` takes changes over",
        _ => "it has no counterpart",
    }
}
