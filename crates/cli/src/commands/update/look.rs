//! `update verify` and `update plan`: nothing is changed, and no kernel is needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use abi::Wall;
use host::updates::{Looked, Makers, foresee, foresee_all, look, told, told_together, verified};
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
pub(super) fn plan(ctx: &Ctx, files: &[PathBuf], strategy: Option<Strategy>) -> Outcome {
    let target = Target::of(ctx)?;
    let all: Vec<Looked> = files.iter().map(|file| looked(&target, file)).collect::<Outcome<_>>()?;
    for (at, one) in all.iter().enumerate() {
        let module = one.head.module();
        if all.iter().take(at).any(|other| other.head.module() == module) {
            let why = format!("two of the packages are of module `{module}`");
            return Err(Failure::new("host::update::twice", why).into());
        }
    }
    let modules = target.home.modules();
    let read = |error: std::io::Error| Failure::io("read", &modules, &error);
    if let ([file], [looked]) = (files, all.as_slice()) {
        let foreseen = foresee(&modules, looked, strategy, &BTreeMap::new()).map_err(read)?;
        let plan = told(file, looked, &foreseen);
        ctx.show(&plan, |plan| render::updates::plan(&ctx.theme, plan))?;
        return Ok(if plan.obstacles.is_empty() { Exit::Done } else { Exit::NotVerified });
    }
    let foreseen = foresee_all(&modules, &all, strategy, &BTreeMap::new()).map_err(read)?;
    let packages: Vec<(&Path, &Looked)> = files.iter().map(PathBuf::as_path).zip(&all).collect();
    let plan = told_together(&packages, &foreseen);
    ctx.show(&plan, |plan| render::updates::plan_together(&ctx.theme, plan))?;
    Ok(if plan.obstacles.is_empty() { Exit::Done } else { Exit::NotVerified })
}

fn looked(target: &Target, file: &Path) -> Outcome<Looked> {
    let makers = Makers::load(&target.home)?;
    Ok(look(file, &makers, Wall(now_ms()))?)
}
