//! A restore that is cut short between any of its steps is finished by the next one: all old before the note, all new
//! after it.

use std::sync::Arc;

use abi::Wall;

use super::*;
use crate::backup::{Source, Trust};
use crate::disk::LocalDisk;

/// A time at which every file of these tests has long been settled: the year 2200.
const LATER: Wall = Wall(7_258_118_400_000);

struct Home {
    folder: tempfile::TempDir,
    backups: Backups,
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Three components of one place each; the third is not there when it is backed up.
const PLACES: [&str; 3] = ["config.yaml", "modules/web", "permissions.yaml"];

impl Home {
    /// Backed up with old contents, then changed.
    fn changed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(&root.join("config.yaml"), "old");
        write(&root.join("modules/web/bin/run.sh"), "old");
        let mut backups = Backups::new(Arc::new(LocalDisk), &root.join("state"));
        let source = Source {
            component: "kernel".to_owned(),
            places: PLACES.map(PathBuf::from).to_vec(),
            without: Vec::new(),
        };
        backups.create((LATER, None), root, &[source], Trust::Marks).unwrap();
        write(&root.join("config.yaml"), "new");
        write(&root.join("permissions.yaml"), "new");
        write(&root.join("modules/web/bin/run.sh"), "new");
        write(&root.join("modules/web/extra"), "new");
        Self { folder, backups }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn stage(&mut self) -> Staged {
        let backup = self.backups.find(None).unwrap();
        self.backups.stage(&backup, Wanted::All).unwrap()
    }

    /// What each file of the places holds.
    fn contents(root: &Path) -> Vec<(&'static str, Option<String>)> {
        ["config.yaml", "modules/web/bin/run.sh", "modules/web/extra", "permissions.yaml"]
            .into_iter()
            .map(|name| (name, fs::read_to_string(root.join(name)).ok()))
            .collect()
    }
}

fn old() -> Vec<(&'static str, Option<String>)> {
    let text = || Some("old".to_owned());
    vec![
        ("config.yaml", text()),
        ("modules/web/bin/run.sh", text()),
        ("modules/web/extra", None),
        ("permissions.yaml", None),
    ]
}

#[test]
fn everything_is_put_back_and_what_was_there_is_kept_aside() {
    let mut home = Home::changed();
    let new = Home::contents(home.root());
    let staged = home.stage();
    assert_eq!(Home::contents(home.root()), new, "staging changes nothing");
    let state = home.root().join("state");
    let restored = put_in_place(home.root(), &state, &staged).unwrap();
    assert_eq!(Home::contents(home.root()), old());
    assert_eq!(Home::contents(&restored.before), new);
    assert_eq!(finish_restore(home.root(), &state).unwrap(), None, "there is nothing left to finish");
}

#[test]
fn before_the_note_of_it_is_written_nothing_has_happened() {
    let mut home = Home::changed();
    let new = Home::contents(home.root());
    home.stage();
    assert_eq!(finish_restore(home.root(), &home.root().join("state")).unwrap(), None);
    assert_eq!(Home::contents(home.root()), new);
}

#[test]
fn any_mixture_of_exchanges_that_reached_the_disk_is_finished() {
    for mixture in 0..1_u32 << PLACES.len() {
        let mut home = Home::changed();
        let new = Home::contents(home.root());
        let staged = home.stage();
        let state = home.root().join("state");
        write_intent(&state, &staged).unwrap();
        for (number, piece) in staged.pieces.iter().enumerate() {
            if mixture & (1 << number) != 0 {
                exchange(piece, home.root(), &state.join("restoring/files")).unwrap();
            }
        }
        let restored = finish_restore(home.root(), &state).unwrap().unwrap();
        assert_eq!(Home::contents(home.root()), old(), "mixture {mixture:b}");
        assert_eq!(Home::contents(&restored.before), new, "mixture {mixture:b}");
    }
}

#[test]
fn what_was_there_is_kept_when_the_note_is_all_that_is_left_to_remove() {
    let mut home = Home::changed();
    let new = Home::contents(home.root());
    let staged = home.stage();
    let state = home.root().join("state");
    let before = put_in_place(home.root(), &state, &staged).unwrap().before;
    // As if the power had gone before the note was removed.
    write_intent(&state, &staged).unwrap();
    let restored = finish_restore(home.root(), &state).unwrap().unwrap();
    assert_eq!(restored.before, before);
    assert_eq!(Home::contents(&before), new);
    assert_eq!(Home::contents(home.root()), old());
    assert!(!is_cut_short(&state));
}

#[test]
fn what_was_staged_is_swept_only_without_a_note() {
    let mut home = Home::changed();
    let staged = home.stage();
    let state = home.root().join("state");
    write_intent(&state, &staged).unwrap();
    assert!(!sweep_restore(&state).unwrap(), "the note says that it is needed");
    fs::remove_file(intent_of(&state)).unwrap();
    assert!(sweep_restore(&state).unwrap());
    assert!(!folder_of(&state).exists());
    assert!(!sweep_restore(&state).unwrap());
}

#[test]
fn a_changed_byte_of_the_note_stops_the_restore() {
    let mut home = Home::changed();
    let staged = home.stage();
    let state = home.root().join("state");
    write_intent(&state, &staged).unwrap();
    let (path, new) = (intent_of(&state), Home::contents(home.root()));
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(finish_restore(home.root(), &state), Err(BackupError::Record { .. })), "byte {at}");
        assert_eq!(Home::contents(home.root()), new);
    }
}

#[test]
fn one_file_is_put_back_alone() {
    let mut home = Home::changed();
    let backup = home.backups.find(None).unwrap();
    let path = Path::new("modules/web/bin/run.sh");
    let staged = home.backups.stage(&backup, Wanted::Path(path)).unwrap();
    put_in_place(home.root(), &home.root().join("state"), &staged).unwrap();
    let found = Home::contents(home.root());
    assert_eq!(found[0].1.as_deref(), Some("new"));
    assert_eq!(found[1].1.as_deref(), Some("old"));
    assert_eq!(found[2].1.as_deref(), Some("new"));
    let strange = home.backups.stage(&backup, Wanted::Path(Path::new("modules/web/none")));
    assert!(matches!(strange, Err(BackupError::Unknown { .. })));
}
