//! `update verify` and `update plan`: nothing is changed, and no kernel is needed.

use std::collections::BTreeMap;
use std::path::Path;

use abi::Wall;
use host::updates::{Looked, Makers, foresee, look, told, verified};
use update::Strategy;

use crate::amount::now_ms;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::render;
use crate::target::Target;

pub(super) fn verify(ctx: &Ctx, file: &Path) -> Outcome {
    let target = Target::of(ctx)?;
    let looked = looked(&target, file)?;
    ctx.show(&verified(file, &looked), |found| render::updates::verified(&ctx.theme, found))?;
    Ok(Exit::Done)
}

/// Shows the plan; one that can't be done ends with the exit of what is refused.
pub(super) fn plan(ctx: &Ctx, file: &Path, strategy: Option<Strategy>) -> Outcome {
    let target = Target::of(ctx)?;
    let looked = looked(&target, file)?;
    let modules = target.home.modules();
    let foreseen = foresee(&modules, &looked, strategy, &BTreeMap::new())
        .map_err(|error| Failure::io("read", &modules, &error))?;
    let plan = told(file, &looked, &foreseen);
    ctx.show(&plan, |plan| render::updates::plan(&ctx.theme, plan))?;
    Ok(if plan.obstacles.is_empty() { Exit::Done } else { Exit::NotVerified })
}

fn looked(target: &Target, file: &Path) -> Outcome<Looked> {
    let makers = Makers::load(&target.home)?;
    Ok(look(file, &makers, Wall(now_ms()))?)
}
