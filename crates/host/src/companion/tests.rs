//! What a section asks for, and what module that makes.

use super::*;

fn wish(text: &str) -> Option<Wish> {
    Wish::of(Some(&serde_json::from_str(text).expect("JSON"))).expect("a sound section")
}

#[test]
fn it_is_wished_only_where_the_section_says_so() {
    assert_eq!(Wish::of(None), Ok(None));
    for text in ["{}", r#"{"start":false}"#, r#"{"start":"yes"}"#, "7", r#"{"listen":"127.0.0.1:1"}"#] {
        assert_eq!(wish(text), None, "{text}");
    }
    let listening = |listen: &str| Some(Wish { listen: listen.to_owned(), tls: None, name: None });
    assert_eq!(wish(r#"{"start":true}"#), listening(LISTEN_DEFAULT));
    assert_eq!(wish(r#"{"start":true,"listen":"none"}"#), listening("none"));
}

#[test]
fn a_certificate_without_its_key_or_by_a_relative_path_is_told() {
    for (text, wrong) in [
        (r#"{"start":true,"tls":{"cert":"/a/cert.pem"}}"#, "key"),
        (r#"{"start":true,"tls":{"cert":"cert.pem","key":"/a/key.pem"}}"#, "cert"),
        (r#"{"start":true,"tls":true}"#, "cert"),
    ] {
        let told = Wish::of(Some(&serde_json::from_str(text).expect("JSON"))).expect_err("wrong");
        assert!(told.contains(&format!("tls.{wrong}`")), "{text}: {told}");
    }
    assert!(wish(r#"{"start":true,"tls":null}"#).is_some_and(|wish| wish.tls.is_none()));
}

#[test]
fn it_may_read_the_folders_of_its_certificate_and_of_what_that_is_a_link_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = std::fs::canonicalize(folder.path()).expect("there");
    for name in ["live", "archive"] {
        std::fs::create_dir(folder.join(name)).expect("made");
    }
    std::fs::write(folder.join("archive/key1.pem"), "").expect("written");
    std::os::unix::fs::symlink("../archive/key1.pem", folder.join("live/key.pem")).expect("linked");
    let tls = json!({"cert": folder.join("live/cert.pem"), "key": folder.join("live/key.pem")});
    let text = json!({"start": true, "tls": tls, "name": "box.example"}).to_string();
    let module = wish(&text).expect("a wish").module(&[], &Home::at(&folder.join("home")));
    let read: Vec<&str> =
        module["permissions"]["read"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for name in ["live", "archive"] {
        assert!(read.iter().any(|path| Path::new(path) == folder.join(name)), "{name}: {read:?}");
    }
    let run = module["run"].to_string();
    assert!(run.contains("--tls-key") && run.contains(r#""--name","box.example""#), "{run}");
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
