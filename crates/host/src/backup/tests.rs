//! Which components a home has, and when each is due.

use protocol::files::config::{Config, Layer};

use super::*;

const HOUR_MS: u64 = 3_600_000;

fn rules(text: &str) -> Rules {
    Config::merge(&[Layer::parse("config.yaml", text).unwrap()]).settings().backup.clone()
}

#[test]
fn the_kernel_and_every_folder_of_a_module_are_components() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    home.create().unwrap();
    for name in ["web", "db", ".web.aside"] {
        fs::create_dir(home.modules().join(name)).unwrap();
    }
    let found = sources(&home, &rules("backup: {components: {module/web: {without: [data/cache]}}}"));
    let names: Vec<&str> = found.iter().map(|source| source.component.as_str()).collect();
    assert_eq!(names, ["kernel", "module/db", "module/web"]);
    assert_eq!(found[2].without, [PathBuf::from("modules/web/data/cache")]);
    assert_eq!(module_of("module/web"), Some("web"));
    assert_eq!(module_of(KERNEL), None);
}

#[test]
fn a_module_of_a_package_is_its_link_and_its_version_and_no_other_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    home.create().unwrap();
    for (name, to) in [("web", "../versions/web/0123"), ("sly", "../versions/../state"), ("own", "/tmp")] {
        fs::create_dir_all(home.modules().join(to)).unwrap();
        std::os::unix::fs::symlink(to, home.modules().join(name)).unwrap();
    }
    let found = sources(&home, &rules("backup: {without: [cache]}"));
    let web = found.iter().find(|source| source.component == "module/web").unwrap();
    assert_eq!(web.places, [PathBuf::from("modules/web"), PathBuf::from("versions/web/0123")]);
    assert_eq!(web.without, [PathBuf::from("modules/web/cache"), PathBuf::from("versions/web/0123/cache")]);
    for name in ["module/sly", "module/own"] {
        let found = found.iter().find(|source| source.component == name).unwrap();
        assert_eq!(found.places.len(), 1, "{name}");
    }
}

#[test]
fn a_component_is_due_when_its_time_has_passed_and_never_by_default() {
    let at = |ms| Wall(1_700_000_000_000 + ms);
    let folder = tempfile::tempdir().unwrap();
    let mut backups = Backups::new(Arc::new(LocalDisk), folder.path());
    let source = sources(&Home::at(folder.path()), &Rules::default());
    let made = backups.create((at(0), None), folder.path(), &source, Trust::Marks).unwrap();
    let all = [made.backup];
    let hourly = rules("backup: {every: 1h}");
    assert!(!is_due(&hourly, &all, KERNEL, at(HOUR_MS - 1)));
    assert!(is_due(&hourly, &all, KERNEL, at(HOUR_MS)));
    assert!(is_due(&hourly, &all, "module/new", at(1)));
    assert!(is_due(&hourly, &all, KERNEL, Wall(5)), "a clock set back");
    assert!(!is_due(&Rules::default(), &all, KERNEL, at(100 * HOUR_MS)));
    assert!(!is_due(
        &rules("backup: {every: 1h, components: {kernel: {every: off}}}"),
        &all,
        KERNEL,
        at(HOUR_MS)
    ));
}

#[test]
fn what_is_due_is_made_once_and_old_ones_are_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    home.create().unwrap();
    fs::write(home.config(), "a: 1\n").unwrap();
    let rules = rules("backup: {every: 1h, hourly: 2, daily: 0, weekly: 0}");
    let at = |hours| Wall(7_258_118_400_000 + hours * HOUR_MS);
    for hours in 0..4 {
        let made = create_due(&home, &rules, at(hours)).unwrap().unwrap();
        assert_eq!(made.backup.number, hours + 1);
        assert!(create_due(&home, &rules, Wall(at(hours).0 + HOUR_MS / 2)).unwrap().is_none());
    }
    let backups = Backups::new(Arc::new(LocalDisk), &home.state());
    assert_eq!(backups.all().unwrap().len(), 2);
    let _held = lock_depot(&home.state(), LOCK_WITHIN).unwrap();
    assert!(matches!(create_due(&home, &rules, at(9)), Err(DueError::Busy(_))));
}
