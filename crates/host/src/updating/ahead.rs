//! Looking ahead: what a package would change, told by a kernel that knows who calls whom. Nothing of the package is kept.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use protocol::operator::{TransactionPlan, UpdatePlan};
use update::Strategy;

use super::UpdateError;
use super::error::TOGETHER_MAX;
use super::flip::{Ground, ground};
use crate::clock::wall_now;
use crate::shell::Shell;
use crate::stock::StockError;
use crate::updates::{Looked, Makers, foresee, foresee_all, look, told, told_together};

/// The plan of an update by this package.
///
/// # Errors
/// `UpdateError`, as an update by it would be refused before it begins.
pub(crate) async fn plan(
    shell: &Rc<RefCell<Shell>>,
    file: PathBuf,
    wanted: Option<Strategy>,
) -> Result<UpdatePlan, UpdateError> {
    let Ground { home, seen, .. } = ground(shell);
    let planning = tokio::task::spawn_blocking(move || {
        let looked = look(&file, &Makers::load(&home)?, wall_now())?;
        let modules = home.modules();
        let read = |source| UpdateError::Disk { doing: "read", path: modules.clone(), source };
        let foreseen = foresee(&modules, &looked, wanted, &seen).map_err(read)?;
        Ok(told(&file, &looked, &foreseen))
    });
    planning.await.unwrap_or_else(|_| Err(StockError::Died.into()))
}

/// The plan of an update by several packages that are one transaction.
///
/// # Errors
/// As [`plan`]; `Twice` when two are of the same module.
pub(crate) async fn plan_together(
    shell: &Rc<RefCell<Shell>>,
    files: Vec<PathBuf>,
    wanted: Option<Strategy>,
) -> Result<TransactionPlan, UpdateError> {
    let Ground { home, seen, .. } = ground(shell);
    if files.len() > TOGETHER_MAX {
        return Err(UpdateError::Packages(files.len()));
    }
    let planning = tokio::task::spawn_blocking(move || {
        let (makers, mut all) = (Makers::load(&home)?, Vec::new());
        for file in &files {
            let looked = look(file, &makers, wall_now())?;
            let module = looked.head.module();
            if all.iter().any(|other: &Looked| other.head.module() == module) {
                return Err(UpdateError::Twice(module.clone()));
            }
            all.push(looked);
        }
        let modules = home.modules();
        let read = |source| UpdateError::Disk { doing: "read", path: modules.clone(), source };
        let foreseen = foresee_all(&modules, &all, wanted, &seen).map_err(read)?;
        let packages: Vec<(&Path, &Looked)> = files.iter().map(PathBuf::as_path).zip(&all).collect();
        Ok(told_together(&packages, &foreseen))
    });
    planning.await.unwrap_or_else(|_| Err(StockError::Died.into()))
}
