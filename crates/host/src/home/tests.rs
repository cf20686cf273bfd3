//! Which home is chosen, and what is made in it.

use super::*;

fn around() -> Surroundings {
    Surroundings {
        folder: PathBuf::from("/srv/shop"),
        home: Some("/home/ada".into()),
        ..Surroundings::default()
    }
}

#[test]
fn what_was_typed_wins_over_everything_but_the_project_one_stands_in() {
    let around = Surroundings {
        typed: Some("here".into()),
        ostoja_home: Some("/there".into()),
        has_project: true,
        ..around()
    };
    let place = Place::choose(&around).expect("a home");
    assert_eq!(place.home.root(), Path::new("/srv/shop/here"));
    assert_eq!(place.project, Some(PathBuf::from("/srv/shop/ostoja.yaml")));
}

#[test]
fn a_project_has_a_home_of_its_own_among_the_users_data() {
    let around = Surroundings { has_project: true, ..around() };
    let place = Place::choose(&around).expect("a home");
    let root = place.home.root().to_string_lossy().into_owned();
    assert!(root.starts_with("/home/ada/.local/share/ostoja/projects/shop-"), "{root}");
    assert_eq!(place.project, Some(PathBuf::from("/srv/shop/ostoja.yaml")));
    let other = Surroundings { folder: "/elsewhere/shop".into(), ..around };
    assert_ne!(Place::choose(&other).expect("a home").home, place.home);
}

#[test]
fn a_project_file_named_by_another_way_has_the_same_home() {
    let direct = Place::of_project(Path::new("/srv/shop/ostoja.yaml"), &around()).expect("a home");
    let winding = Place::of_project(Path::new("../shop/./ostoja.yaml"), &around()).expect("a home");
    assert_eq!(direct, winding);
}

#[test]
fn root_under_a_service_manager_lives_where_services_do() {
    let around = Surroundings { is_root_service: true, ..around() };
    assert_eq!(Place::choose(&around).expect("a home").home.root(), Path::new("/var/lib/ostoja"));
}

#[test]
fn a_relative_xdg_folder_is_ignored() {
    let around = Surroundings { xdg_data_home: Some("data".into()), ..around() };
    let place = Place::choose(&around).expect("a home");
    assert_eq!(place.home.root(), Path::new("/home/ada/.local/share/ostoja"));
}

#[test]
fn without_any_hint_there_is_an_error_with_a_next_step() {
    let around = Surroundings { home: None, ..around() };
    let error = Place::choose(&around).expect_err("no home");
    assert_eq!(error.code(), "host::home::no_data_folder");
    assert!(error.help().is_some());
}

#[test]
fn a_created_home_is_its_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(&folder.path().join("home"));
    home.create().expect("created");
    home.create().expect("and again");
    for path in [home.root().to_owned(), home.run(), home.state(), home.modules(), home.logs()] {
        let mode = std::fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", path.display());
    }
}
