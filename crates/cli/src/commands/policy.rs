//! `policy`: the operator's own policies, read from the home, so that they can be tried before a kernel holds to them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use host::policies::{folder, source, sources};
use policy::{
    Cases, Decision, Fault, Policies, Question, Resource, Source, Tested, knows_verb, nearest_verb,
    run as run_cases,
};
use protocol::operator::{ModuleStatus, Request};

use super::dashboard::RoleWord;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::policies::{PolicyChecked, PolicyDifference, PolicyExplained, PolicyFault, PolicyTested};
use crate::target::Target;
use crate::theme::Paint;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja policy check            the home's policies/*.cedar
  ostoja policy check mine.cedar before it is put there
  ostoja policy explain --as ann --role operator module.restart shop
  ostoja policy test cases.yaml  exit 1 when a case comes out otherwise

Own policies narrow what roles may (`forbid`), or give something to one who is named
(`permit`). They hold after `ostoja reload permissions`. Whoever can open the kernel's
socket is the owner, about whom there are no policies.";

/// What can be typed behind `policy`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PolicyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Read policies and hold them against the schema
    #[command(
        after_help = "Examples:\n  ostoja policy check\n  ostoja policy check mine.cedar --json\n\nExit 7 when something is wrong."
    )]
    Check {
        /// These files instead of the home's
        files: Vec<PathBuf>,
    },
    /// Tell whether somebody may ask something, and which policies say so
    #[command(
        after_help = "Examples:\n  ostoja policy explain --as ann --role operator module.restart shop\n  ostoja policy explain --role viewer logs\n\nExit 5 when it is denied."
    )]
    Explain(ExplainArgs),
    /// Hold policies against cases: who asks what, and what is expected
    #[command(after_help = CASES)]
    Test {
        /// A YAML file of cases
        file: PathBuf,
    },
}

const CASES: &str = "\
Examples:
  ostoja policy test cases.yaml

A file of cases, each but `verb` and `expect` may be left out:
  cases:
  - {user: ann, role: operator, verb: module.restart, module: shop, zone: stable, expect: deny}
  - {role: viewer, verb: module.list, expect: allow}

Exit 1 when a case comes out otherwise.";

#[derive(Debug, Args)]
struct ExplainArgs {
    /// By name: a token's, or owner for a session of the dashboard
    #[arg(long = "as", value_name = "USER", required_unless_present = "role")]
    user: Option<String>,
    /// As what
    #[arg(long, value_enum)]
    role: Option<RoleWord>,
    /// What they would ask, as the door has it: module.restart
    verb: String,
    /// About which module
    module: Option<String>,
    /// In which zone; asked of the kernel when left out and one runs
    #[arg(long)]
    zone: Option<String>,
    /// As what only asks what would happen
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Ctx, args: &PolicyArgs) -> Outcome {
    match &args.verb {
        Verb::Check { files } => check(ctx, files),
        Verb::Explain(args) => explain(ctx, args),
        Verb::Test { file } => test(ctx, file),
    }
}

/// The policies of the home, or these files.
fn gathered(ctx: &Ctx, files: &[PathBuf]) -> Outcome<Vec<Source>> {
    if files.is_empty() {
        let target = Target::of(ctx)?;
        return sources(&target.home).map_err(|fault| broken(&[fault]).into());
    }
    let read = |path: &PathBuf| source(path).map_err(|error| Failure::io("read", path, &error).into());
    files.iter().map(read).collect()
}

fn check(ctx: &Ctx, files: &[PathBuf]) -> Outcome {
    let sources = gathered(ctx, files)?;
    let names = sources.iter().map(|source| source.name.clone()).collect();
    match Policies::try_new(&sources) {
        Ok(policies) => {
            let checked = PolicyChecked { files: names, policies: Some(policies.own()), faults: Vec::new() };
            if ctx.is_json() {
                ctx.document(&checked)?;
            } else if sources.is_empty() {
                ctx.say_phrase(Phrase::NoPolicies, &[&folder(&Target::of(ctx)?.home).display().to_string()]);
            } else {
                let counts = [policies.own().to_string(), sources.len().to_string()];
                ctx.print(&format!(
                    "{}\n",
                    ctx.phrase(Phrase::PoliciesWell, &counts.each_ref().map(String::as_str))
                ))?;
            }
            Ok(Exit::Done)
        }
        Err(faults) if ctx.is_json() => {
            let faults = faults.into_iter().map(told).collect();
            ctx.document(&PolicyChecked { files: names, policies: None, faults })?;
            Ok(Exit::NotVerified)
        }
        Err(faults) => Err(broken(&faults).into()),
    }
}

fn told(fault: Fault) -> PolicyFault {
    let Fault { file, line, column, message, help } = fault;
    PolicyFault { file, line, column, message, help }
}

/// Each fault as a line that editors can jump to.
fn broken(faults: &[Fault]) -> Failure {
    let lines = faults.iter().flat_map(|fault| {
        let help = fault.help.as_ref().map(|help| format!("  {help}"));
        [Some(fault.to_string()), help].into_iter().flatten()
    });
    let message = match faults {
        [_] => "a policy is wrong".to_owned(),
        many => format!("policies are wrong in {} places", many.len()),
    };
    Failure::new("cli::policy::broken", message)
        .details(lines.collect())
        .help("while they are in a home, its kernel refuses everybody but the owner")
}

fn held(ctx: &Ctx) -> Outcome<Policies> {
    Policies::try_new(&gathered(ctx, &[])?).map_err(|faults| broken(&faults).into())
}

fn explain(ctx: &Ctx, args: &ExplainArgs) -> Outcome {
    if !knows_verb(&args.verb) {
        let failure = Failure::usage(format!("`{}` is no verb of the operator door", args.verb));
        let near = nearest_verb(&args.verb).map(|near| format!("did you mean `{near}`?"));
        return Err(failure
            .help(near.unwrap_or_else(|| "see docs/reference/operator-door.md".to_owned()))
            .into());
    }
    let policies = held(ctx)?;
    let zone = match (&args.zone, &args.module) {
        (None, Some(module)) => zone_of(ctx, module)?,
        (zone, _) => zone.clone(),
    };
    let role = args.role.map(RoleWord::role);
    let question = Question {
        user: args.user.as_deref(),
        role,
        verb: &args.verb,
        resource: resource(args.module.as_deref(), zone.as_deref()),
        dry_run: args.dry_run,
    };
    let Decision { is_allowed: allowed, by } = policies.decide(&question);
    let (verb, module) = (args.verb.clone(), args.module.clone());
    let said = PolicyExplained { user: args.user.clone(), role, verb, module, zone, allowed, by };
    ctx.show(&said, |said| sentence(ctx, said))?;
    Ok(if allowed { Exit::Done } else { Exit::Denied })
}

fn resource<'q>(module: Option<&'q str>, zone: Option<&'q str>) -> Resource<'q> {
    match (module, zone) {
        (Some(id), zone) => Resource::Module { id, zone },
        (None, Some(zone)) => Resource::Zone(zone),
        (None, None) => Resource::Kernel,
    }
}

/// Where a running kernel says that a module lives; nothing when none runs or it does not know it.
fn zone_of(ctx: &Ctx, module: &str) -> Outcome<Option<String>> {
    let target = Target::of(ctx)?;
    let Some(mut door) = Door::try_open_at(&target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) else {
        return Ok(None);
    };
    let status = door.ask::<ModuleStatus>(&Request::ModuleStatus { module_id: module.to_owned() });
    Ok(status.ok().map(|status| status.zone))
}

fn sentence(ctx: &Ctx, said: &PolicyExplained) -> String {
    let (phrase, paint) = match said.allowed {
        true => (Phrase::PolicyAllows, Paint::Good),
        false => (Phrase::PolicyDenies, Paint::Bad),
    };
    let mut text = format!("{}\n", ctx.theme.paint(paint, &ctx.phrase(phrase, &[&question_text(said)])));
    let by = |line: &String| format!("  {line}\n");
    text.extend(said.by.iter().map(by));
    if said.by.is_empty() {
        text.push_str(&format!("  {}\n", ctx.phrase(Phrase::PolicyNone, &[])));
    }
    text
}

fn question_text(said: &PolicyExplained) -> String {
    let role = said.role.map(|role| format!("role {role}"));
    let zone = said.zone.as_ref().map(|zone| format!("({zone})"));
    let words = [said.user.clone(), role, Some(said.verb.clone()), said.module.clone(), zone];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn test(ctx: &Ctx, file: &Path) -> Outcome {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
    let cases = Cases::parse(&text).map_err(|error| {
        Failure::new("cli::policy::cases", format!("`{}` holds no cases", file.display()))
            .caused_by(error.to_string())
            .help("ostoja policy test --help")
            .exit(Exit::Usage)
    })?;
    let tested = run_cases(&held(ctx)?, cases);
    let numbered = tested.iter().enumerate().filter(|(_, tested)| !tested.is_met());
    let differences: Vec<PolicyDifference> =
        numbered.map(|(index, tested)| PolicyDifference { number: index + 1, said: said(tested) }).collect();
    let told = PolicyTested { cases: tested.len(), differences };
    ctx.show(&told, |told| report(ctx, told))?;
    Ok(if told.differences.is_empty() { Exit::Done } else { Exit::Failed })
}

fn said(tested: &Tested) -> PolicyExplained {
    let Tested { case, decision } = tested.clone();
    PolicyExplained {
        user: case.user,
        role: case.role,
        verb: case.verb,
        module: case.module,
        zone: case.zone,
        allowed: decision.is_allowed,
        by: decision.by,
    }
}

fn report(ctx: &Ctx, told: &PolicyTested) -> String {
    let mut text = String::new();
    for difference in &told.differences {
        text.push_str(&format!("{}: {}", difference.number, sentence(ctx, &difference.said)));
    }
    let counts = [told.cases.to_string(), told.differences.len().to_string()];
    text + &ctx.phrase(Phrase::PolicyCases, &counts.each_ref().map(String::as_str)) + "\n"
}
