//! Looking ahead: what a package would change, told by a kernel that knows who calls whom. Nothing of the package is kept.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use protocol::operator::UpdatePlan;
use update::Strategy;

use super::UpdateError;
use super::flip::ground;
use crate::clock::wall_now;
use crate::shell::Shell;
use crate::stock::StockError;
use crate::updates::{Makers, foresee, look, told};

/// The plan of an update by this package.
///
/// # Errors
/// `UpdateError`, as an update by it would be refused before it begins.
pub(crate) async fn plan(
    shell: &Rc<RefCell<Shell>>,
    file: PathBuf,
    wanted: Option<Strategy>,
) -> Result<UpdatePlan, UpdateError> {
    let (home, _, seen) = ground(shell);
    let planning = tokio::task::spawn_blocking(move || {
        let looked = look(&file, &Makers::load(&home)?, wall_now())?;
        let modules = home.modules();
        let read = |source| UpdateError::Disk { doing: "read", path: modules.clone(), source };
        let foreseen = foresee(&modules, &looked, wanted, &seen).map_err(read)?;
        Ok(told(&file, &looked, &foreseen))
    });
    planning.await.unwrap_or_else(|_| Err(StockError::Died.into()))
}
