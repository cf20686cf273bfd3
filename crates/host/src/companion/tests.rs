//! What a section asks for, and what module that makes.

use super::*;

fn wish(text: &str) -> Option<Wish> {
    Wish::of(Some(&serde_json::from_str(text).expect("JSON")))
}

#[test]
fn it_is_wished_only_where_the_section_says_so() {
    assert_eq!(Wish::of(None), None);
    for text in ["{}", r#"{"start":false}"#, r#"{"start":"yes"}"#, "7", r#"{"listen":"127.0.0.1:1"}"#] {
        assert_eq!(wish(text), None, "{text}");
    }
    assert_eq!(wish(r#"{"start":true}"#), Some(Wish { listen: LISTEN_DEFAULT.to_owned() }));
    assert_eq!(wish(r#"{"start":true,"listen":"none"}"#), Some(Wish { listen: "none".to_owned() }));
}

#[test]
fn the_module_that_it_makes_is_one_that_a_project_may_hold_and_writes_its_own_folder_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    let words = ["/bin/ostoja".to_owned(), "internal".to_owned(), "web-process".to_owned()];
    let module = wish(r#"{"start":true}"#).expect("a wish").module(&words, &home);
    let id = ModuleId::parse(COMPANION).expect("a name");
    ProjectModules::by_hand(&id, &module, folder.path()).expect("a sound module");
    assert_eq!(module["permissions"]["write"], json!([home.companion().display().to_string()]));
}
