//! `doctor`: this machine, the home and the kernel, each thing with what to do about it. Exit 3 when something is bad.

use clap::Args;
use host::doctor::{Condition, examine};
use protocol::operator::{KernelStatus, Request};

use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{Finding, Findings, Grade};
use crate::render;
use crate::target::Target;

const EXAMPLES: &str = "\
Examples:
  ostoja doctor                  changes nothing, needs no kernel
  ostoja doctor --json | jq '.data.findings[] | select(.grade == \"bad\")'";

/// What can be typed behind `doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {}

pub(super) fn run(ctx: &Ctx, _args: &DoctorArgs) -> Outcome {
    let target = Target::of(ctx)?;
    let mut findings: Vec<Finding> = examine(target.home.root()).into_iter().map(Finding::from).collect();
    findings.extend(kernel(ctx, &target));
    let findings = Findings::new(findings);
    ctx.show(&findings, |findings| render::findings::findings(&ctx.theme, findings))?;
    Ok(if findings.healthy { Exit::Done } else { Exit::Degraded })
}

fn kernel(ctx: &Ctx, target: &Target) -> Vec<Finding> {
    let finding = |what: &str, grade: Grade, text: String, help: Option<String>| Finding {
        area: "kernel".to_owned(),
        what: what.to_owned(),
        grade,
        text,
        help,
    };
    let Some(mut door) = Door::try_open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) else {
        let help = Some(format!("{} up -d", target.command()));
        return vec![finding("process", Grade::Absent, "no kernel runs on this home".to_owned(), help)];
    };
    let asked: Outcome<KernelStatus> = door.ask(&Request::KernelStatus {});
    let Ok(status) = asked else {
        let help = Some(format!("{} kernel logs", target.command()));
        return vec![finding("process", Grade::Bad, "it is there and does not answer".to_owned(), help)];
    };
    let seen = format!(
        "version {}, pid {}, up {}",
        status.version,
        status.pid,
        crate::amount::span(status.uptime_ms)
    );
    let mut findings = vec![finding("process", Grade::Good, seen, None)];
    if status.version != env!("CARGO_PKG_VERSION") {
        let text =
            format!("the kernel is version {}, this command {}", status.version, env!("CARGO_PKG_VERSION"));
        let help = Some(format!("{} kernel restart", target.command()));
        findings.push(finding("version", Grade::Weak, text, help));
    }
    let help = || Some(format!("{} ps", target.command()));
    findings.extend(
        status.troubles.iter().map(|trouble| finding("trouble", Grade::Bad, trouble.clone(), help())),
    );
    let failed: u32 = ["crashed", "restarting"].iter().filter_map(|state| status.states.get(*state)).sum();
    if failed > 0 {
        findings.push(finding("modules", Grade::Bad, format!("{failed} crashed or restarting"), help()));
    }
    findings
}

impl From<host::doctor::Finding> for Finding {
    fn from(found: host::doctor::Finding) -> Self {
        let grade = match found.condition {
            Condition::Good => Grade::Good,
            Condition::Absent => Grade::Absent,
            Condition::Weak => Grade::Weak,
            Condition::Bad => Grade::Bad,
        };
        let help = Some(found.help).filter(|help| !help.is_empty());
        Self { area: found.area.to_owned(), what: found.name, grade, text: found.seen, help }
    }
}
