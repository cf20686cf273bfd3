//! One service unit of systemd.

use protocol::files::FileErrors;
use protocol::files::policy::{Limits, Probe, Ready, Restart};

use crate::draft::{Draft, Module, Program};
use crate::supervisord::signal;
use crate::{spans, syntax};

mod exec;
mod unit;

use unit::Line;

/// 1,000,000,000: the largest number of files or processes that `ostoja.yaml` takes.
const LIMIT_MAX: u64 = 1_000_000_000;

pub(crate) fn read(file: &str, text: &str) -> Result<Draft, FileErrors> {
    let lines = unit::read(file, text)?;
    let mut draft = Draft::new(file);
    let name = unit_name(&draft.title);
    let instance = name.split_once('@').map(|(_, instance)| instance.to_owned());
    let names = exec::Specifiers { unit: &name, instance: instance.as_deref() };
    let mut module = Module::new(name.replace('@', "-").trim_end_matches('-'), Program::Words(Vec::new()));
    let mut service = Service::default();
    for line in &lines {
        match line.section.as_str() {
            "Service" => service.take(&mut module, line),
            "Unit" => about(&mut module, line),
            "Install" => {}
            section => module.remarks.lost(format_args!("[{section}]"), "only [Unit] and [Service] are read"),
        }
    }
    if service.start.is_empty() {
        return Err(syntax(file, service.line.max(1), 1, "[Service] has no `ExecStart=`"));
    }
    service.finish(file, &mut module, &names)?;
    draft.push(module);
    Ok(draft)
}

fn unit_name(title: &str) -> String {
    let name = title.strip_suffix(".service").unwrap_or(title);
    if name.is_empty() { "service".to_owned() } else { name.to_owned() }
}

/// `[Unit]`: what it is, and on which other units it stands.
fn about(module: &mut Module, line: &Line) {
    match line.key.as_str() {
        "Description" => module.remarks.add(&line.value),
        "Documentation" => {}
        "After" | "Before" | "Wants" | "Requires" | "BindsTo" | "PartOf" | "Requisite" | "Upholds" => {
            module.remarks.lost(
                format_args!("{}={}", line.key, line.value),
                "it names other units; `needs: [NAME]` names other modules of this file",
            );
        }
        // Older systemd has them here, newer too.
        "StartLimitBurst" => module.policy.max_restarts = restarts(&line.value),
        "StartLimitIntervalSec" | "StartLimitInterval" => module.remarks.lost(
            format_args!("{}={}", line.key, line.value),
            "restarts are counted anew once a module was ready for a minute",
        ),
        key if key.starts_with("Condition") || key.starts_with("Assert") => {
            module
                .remarks
                .lost(format_args!("{key}={}", line.value), "a module starts whatever the machine is like");
        }
        key => module.remarks.lost(format_args!("{key}={}", line.value), "it has no counterpart"),
    }
}

fn restarts(value: &str) -> Option<u32> {
    value.parse().ok().filter(|number| *number <= 1_000_000)
}

/// What `[Service]` says, as far as lines depend on each other.
#[derive(Debug, Default)]
struct Service {
    line: usize,
    kind: String,
    before: Vec<Line>,
    start: Vec<Line>,
    start_timeout: Option<std::time::Duration>,
    environment: Vec<Line>,
}

impl Service {
    fn take(&mut self, module: &mut Module, line: &Line) {
        self.line = self.line.max(1);
        let (key, value) = (line.key.as_str(), line.value.as_str());
        let list = match key {
            "ExecStart" => Some(&mut self.start),
            "ExecStartPre" => Some(&mut self.before),
            "Environment" => Some(&mut self.environment),
            _ => None,
        };
        match (list, key) {
            // An empty value forgets those before.
            (Some(list), _) if value.is_empty() => list.clear(),
            (Some(list), _) => list.push(line.clone()),
            (None, "Type") => value.clone_into(&mut self.kind),
            (None, "TimeoutStartSec") => self.start_timeout = spans::systemd(value),
            (None, "TimeoutSec") => {
                self.start_timeout = spans::systemd(value);
                module.policy.stop.grace = spans::systemd(value);
            }
            (None, _) if life(module, key, value) || limit(&mut module.policy.limits, key, value) => {}
            (None, _) => lost(module, key, value),
        }
    }

    fn finish(self, file: &str, module: &mut Module, names: &exec::Specifiers<'_>) -> Result<(), FileErrors> {
        for line in &self.environment {
            exec::environment(file, line, names, module)?;
        }
        let is_job = self.kind == "oneshot";
        module.program = exec::program(file, &self.before, &self.start, names, module)?;
        let timeout = self.start_timeout.filter(|timeout| !timeout.is_zero());
        let ready = |probe| Some(Ready { probe, timeout, interval: None });
        match self.kind.as_str() {
            "notify" | "notify-reload" => module.policy.ready = ready(Probe::Notify),
            "oneshot" => module.policy.ready = ready(Probe::Completed),
            "forking" => module.remarks.add(
                "`Type=forking` is not carried over: Ostoja watches the process that it starts; give the option that \
                 keeps the program in the foreground.",
            ),
            "dbus" | "idle" => module.remarks.lost(format_args!("Type={}", self.kind), "it is ready once it runs"),
            _ => {}
        }
        if module.policy.restart.is_none() && !is_job {
            module.policy.restart = Some(Restart::Never);
        }
        if is_job && module.policy.restart == Some(Restart::Always) {
            // A job that is done is not started again; one that failed is, by `on-failure`.
            module.policy.restart = Some(Restart::OnFailure);
        } else if is_job && module.policy.restart.is_none() {
            module.policy.restart = Some(Restart::Never);
        }
        Ok(())
    }
}

/// How it is kept alive and stopped; whether the key was one of these.
fn life(module: &mut Module, key: &str, value: &str) -> bool {
    let policy = &mut module.policy;
    match key {
        "Restart" => {
            policy.restart = Some(match value {
                "no" => Restart::Never,
                "always" => Restart::Always,
                "on-failure" => Restart::OnFailure,
                other => {
                    module
                        .remarks
                        .add(format!("`Restart={other}` became `on-failure`, the nearest there is."));
                    Restart::OnFailure
                }
            });
        }
        "StartLimitBurst" => policy.max_restarts = restarts(value),
        "TimeoutStopSec" => policy.stop.grace = spans::systemd(value).filter(|grace| !grace.is_zero()),
        "KillSignal" => match signal(value) {
            Some(signal) => policy.stop.signal = Some(signal),
            None => {
                module.remarks.lost(format_args!("KillSignal={value}"), "no module is stopped by that signal")
            }
        },
        // A job that is done stays `completed`.
        "RemainAfterExit" => {}
        // All processes of a module end with it.
        "KillMode" if matches!(value, "control-group" | "mixed") => {}
        "WorkingDirectory" => match value.trim_start_matches('-') {
            "~" => module.remarks.lost("WorkingDirectory=~", "write the folder itself"),
            folder => module.cwd = Some(folder.to_owned()),
        },
        "PassEnvironment" => value.split_whitespace().for_each(|name| module.pass_env(name)),
        _ => return false,
    }
    true
}

/// Bounds; whether the key was one of these and had a bound.
fn limit(limits: &mut Limits, key: &str, value: &str) -> bool {
    // The soft bound comes first: it is what a program starts with.
    let soft = value.split(':').next().unwrap_or(value);
    let number = soft.parse::<u64>().ok().filter(|number| (1..=LIMIT_MAX).contains(number));
    let (bound, found) = match key {
        "LimitNOFILE" => (&mut limits.files, number),
        "LimitNPROC" | "TasksMax" => (&mut limits.processes, number),
        "LimitCPU" => (&mut limits.cpu_seconds, number),
        "LimitCORE" => (&mut limits.core_bytes, spans::size_bytes(soft)),
        "CPUQuota" => (&mut limits.cpu_permille, spans::cpu_permille(soft)),
        "MemoryMax" | "MemoryLimit" => {
            (&mut limits.memory_bytes, spans::size_bytes(soft).filter(|bytes| *bytes > 0))
        }
        _ => return false,
    };
    *bound = found.or(*bound);
    // No bound at all is the default here too.
    found.is_some() || soft == "infinity"
}

/// The rest, with the reason.
fn lost(module: &mut Module, key: &str, value: &str) {
    let why = match key {
        "User" | "Group" | "DynamicUser" | "SupplementaryGroups" => "everything runs as who runs Ostoja",
        "EnvironmentFile" => {
            "put its values under `env`, or let the command read it: `set -a; . FILE; exec …`"
        }
        "RestartSec" | "RestartSteps" | "RestartMaxDelaySec" => {
            "the pause before a restart doubles from 1 s to 60 s by itself"
        }
        "PIDFile" | "GuessMainPID" => "Ostoja watches the process that it starts",
        "StandardOutput" | "StandardError" | "SyslogIdentifier" | "StandardInput" | "SyslogFacility" => {
            "`ostoja logs` keeps what it says"
        }
        "ExecReload" => "`ostoja restart NAME` is the way to take new files over",
        "ExecStop" | "ExecStopPost" => "a module is stopped by `stop.signal` and nothing else",
        "ExecStartPost" | "ExecCondition" => "no command runs beside the start",
        "WatchdogSec" => "a plain command is not asked whether it still works",
        "KillMode" => "all processes of a module end with it",
        "Slice"
        | "Nice"
        | "CPUWeight"
        | "IOWeight"
        | "CPUSchedulingPolicy"
        | "OOMScoreAdjust"
        | "IOSchedulingClass"
        | "MemoryHigh" => "shares of the machine are not set per module",
        "StateDirectory"
        | "RuntimeDirectory"
        | "LogsDirectory"
        | "CacheDirectory"
        | "ConfigurationDirectory" => "make the folder yourself",
        key if is_sandbox(key) => "what a module may touch stands under `permissions`",
        _ => "it has no counterpart",
    };
    module.remarks.lost(format_args!("{key}={value}"), why);
}

fn is_sandbox(key: &str) -> bool {
    [
        "Private",
        "Protect",
        "Restrict",
        "ReadOnly",
        "ReadWrite",
        "Inaccessible",
        "Capability",
        "SystemCall",
        "NoNew",
    ]
    .iter()
    .any(|start| key.starts_with(start))
        || [
            "AmbientCapabilities",
            "LockPersonality",
            "MemoryDenyWriteExecute",
            "UMask",
            "RootDirectory",
            "BindPaths",
        ]
        .contains(&key)
}
