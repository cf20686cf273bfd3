//! Pruning: backups that no rule keeps go, and after them the chunks that nothing needs.

use std::collections::BTreeSet;
use std::path::Path;

use abi::Wall;
use update::FileRef;

use super::catalogue::Content;
use super::error::BackupError;
use super::record::Backup;
use super::retention::{Keep, kept_of};
use super::shelf::Backups;
use crate::depot::Cleaned;
use crate::slots::SlotsFile;

/// How many backups of a component stay.
pub type Rules<'a> = &'a dyn Fn(&str) -> Keep;

/// What a pruning does, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Parts that go: number of the backup and component.
    pub parts: Vec<(u64, String)>,
    /// Backups of which nothing is left.
    pub backups: Vec<u64>,
    /// What the cleaning after it did.
    pub cleaned: Cleaned,
}

impl Backups {
    /// What the rules would remove. Backups with a label are not counted and stay.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub fn prune_plan(&self, rules: Rules<'_>) -> Result<Pruned, BackupError> {
        Ok(self.going(rules)?.1)
    }

    /// Removes what the rules don't keep, record by record, then cleans the depot of what neither a backup nor a version
    /// needs.
    ///
    /// # Errors
    /// `Record` when one is damaged and `Depot` when a kept list can't be read: no chunk is removed then. `Slots`,
    /// `Disk`.
    pub fn prune(&mut self, rules: Rules<'_>) -> Result<Pruned, BackupError> {
        let (mut all, mut pruned) = self.going(rules)?;
        for backup in &mut all {
            let before = backup.parts.len();
            backup.parts.retain(|part| !pruned.parts.contains(&(backup.number, part.component.clone())));
            if backup.parts.is_empty() && before > 0 {
                self.remove_record(backup.number)?;
            } else if backup.parts.len() < before {
                self.write_record(backup)?;
            }
        }
        pruned.cleaned = self.clean()?;
        Ok(pruned)
    }

    /// Cleans the depot of what neither a backup nor a version needs.
    ///
    /// # Errors
    /// As [`Self::prune`].
    pub fn clean(&mut self) -> Result<Cleaned, BackupError> {
        let folder = self.state.join("slots");
        let mut keep = self.kept()?;
        keep.extend(self.kept_by_slots(&folder)?);
        keep.sort_unstable();
        keep.dedup();
        Ok(self.depot()?.clean(&keep)?)
    }

    /// All files that backups need, for whoever cleans the depot.
    ///
    /// # Errors
    /// `Record`, `List` and `Depot` when it can't be told: nothing may be cleaned away then.
    pub fn kept(&mut self) -> Result<Vec<FileRef>, BackupError> {
        let all = self.all()?;
        let mut lists = BTreeSet::new();
        let mut keep = BTreeSet::new();
        for backup in &all {
            for part in &backup.parts {
                if !lists.insert(part.list) {
                    continue;
                }
                keep.insert(part.list);
                let files = self.files(backup, part)?;
                keep.extend(files.into_iter().filter_map(|file| match file.content {
                    Content::File(content) => Some(content),
                    Content::Folder | Content::Link(_) => None,
                }));
            }
        }
        Ok(keep.into_iter().collect())
    }

    fn kept_by_slots(&mut self, folder: &Path) -> Result<Vec<FileRef>, BackupError> {
        let (mut slots, _) = SlotsFile::open(self.disk.clone(), folder).map_err(BackupError::Slots)?;
        let releases = slots.kept().map_err(BackupError::Slots)?;
        Ok(self.depot()?.releases(&releases)?)
    }

    fn going(&self, rules: Rules<'_>) -> Result<(Vec<Backup>, Pruned), BackupError> {
        let all = self.all()?;
        let components: BTreeSet<&str> =
            all.iter().flat_map(|backup| &backup.parts).map(|part| part.component.as_str()).collect();
        let mut pruned = Pruned::default();
        for component in components {
            let unnamed = || {
                let has_it = |backup: &&Backup| backup.label.is_none() && backup.part(component).is_some();
                all.iter().filter(has_it)
            };
            let times: Vec<Wall> = unnamed().map(|backup| backup.at).collect();
            let kept = kept_of(&times, rules(component));
            let going = unnamed().filter(|backup| !kept.contains(&backup.at));
            pruned.parts.extend(going.map(|backup| (backup.number, component.to_owned())));
        }
        pruned.parts.sort();
        let is_gone = |backup: &&Backup| {
            !backup.parts.is_empty()
                && backup
                    .parts
                    .iter()
                    .all(|part| pruned.parts.contains(&(backup.number, part.component.clone())))
        };
        pruned.backups = all.iter().filter(is_gone).map(|backup| backup.number).collect();
        Ok((all, pruned))
    }
}
