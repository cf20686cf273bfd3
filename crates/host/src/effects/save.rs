//! Keeping approvals: changed in memory at once, written whole on a thread of its own.
//!
//! What an operator decided is written before the answer says so ([`save_now`]). What follows from a module's life (its
//! first start, a wish) is gathered for a moment, so that a hundred first starts cost one write.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use abi::{ModuleId, Record};
use kernel::Grants;

use crate::clock::wall_now;
use crate::files::approvals::Change;
use crate::files::discovery::writable;
use crate::shell::Shell;

/// 100 ms: how long changes are gathered that nobody waits for.
const GATHERED_FOR: Duration = Duration::from_millis(100);

/// How the trouble of this room begins.
const TROUBLE: &str = "approvals are not saved";

impl Shell {
    pub(super) fn keep_grants(&mut self, id: &ModuleId, grants: &Grants) {
        self.rebind(id, grants);
        if self.files.approvals.keep(id, grants, wall_now()) != Change::Nothing {
            self.is_unsaved = true;
            self.bells.save.notify_one();
        }
    }

    /// What a module may write in its own folder is no part of what was approved. So when that changes, the approval is
    /// bound anew, provided that the files are still those that were approved.
    fn rebind(&mut self, id: &ModuleId, grants: &Grants) {
        let Some(seal) = self.files.blueprints.get(id).and_then(|blueprint| blueprint.seal.clone()) else {
            return;
        };
        let user_home = self.surrounding.user_home();
        let before = writable(&self.files.approvals.grants(id).effective(), &seal, &user_home);
        let after = writable(&grants.effective(), &seal, &user_home);
        let stored = self.files.approvals.entry(id).and_then(|entry| entry.tree_hash.clone());
        if before == after || stored.is_none() {
            return;
        }
        let held = self.files.hashes.look(&seal, &before).is_ok_and(|hashes| hashes.tree == stored);
        let bound = self.files.hashes.look(&seal, &after).ok().and_then(|hashes| hashes.tree);
        if let (true, Some(tree)) = (held, bound) {
            self.files.approvals.note_tree(id, &tree);
        }
    }

    fn saved(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) => self.no_trouble(TROUBLE),
            Err(why) => {
                self.is_unsaved = true;
                self.record(Record::new("permission.not_saved").text("error", why.as_str()));
                self.trouble(format!("{TROUBLE}: {why}"));
            }
        }
    }
}

/// Writes approvals now and gives what came of it.
///
/// # Errors
/// Why the file could not be written; the old one is still there.
pub(crate) async fn save_now(shell: &Rc<RefCell<Shell>>) -> Result<(), String> {
    let file = {
        let mut shell = shell.borrow_mut();
        if shell.files.approvals.is_unread() {
            return Err("the file of approvals could not be read, so it is not written over".to_owned());
        }
        shell.is_unsaved = false;
        shell.files.approvals.to_file()
    };
    let writing = tokio::task::spawn_blocking(move || file.write());
    let result = match writing.await {
        Ok(written) => written.map_err(|error| crate::launch::sentence(&error)),
        Err(_) => Err("the thread that writes has died".to_owned()),
    };
    shell.borrow_mut().saved(result.clone());
    result
}

/// Writes approvals whenever they changed, a moment later.
pub(crate) async fn save_when_asked(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        bells.save.notified().await;
        tokio::time::sleep(GATHERED_FOR).await;
        if shell.borrow().is_unsaved {
            // What went wrong is told as a trouble; it is tried again with the next change and at the end.
            let _told = save_now(&shell).await;
        }
    }
}
