//! Names that were mistyped.

use super::*;

#[test]
fn the_nearest_name_is_found_whatever_its_capitals() {
    assert_eq!(nearest("weeb", &["db", "web", "worker"]), Some("web"));
    assert_eq!(nearest("Web", &["db", "web"]), Some("web"));
    assert_eq!(nearest("zzz", &["db", "web"]), None);
    assert_eq!(nearest("web", &[]), None);
}

#[test]
fn nobody_behind_the_socket_is_unreachable_and_says_how_to_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = Target::at(folder.path());
    let opened = Door::open_at(&target, Duration::from_secs(1));
    match opened {
        Err(crate::failure::Stopped::Failed(failure)) => {
            assert_eq!(failure.exit, Exit::Unreachable);
            assert_eq!(failure.help, Some(format!("{} up -d", target.command())));
        }
        other => panic!("somebody answered: {other:?}"),
    }
}
