//! `okm.json`: what is written is read, and what can't be is refused.

use super::*;

fn packed(path: &str) -> PackedFile {
    let path = PackedPath::parse(path).unwrap();
    PackedFile { digests: Digests::of(path.as_str().as_bytes()), path, rights: Rights::Plain }
}

fn head(paths: &[&str]) -> Result<Head, HeadFlaw> {
    let files = paths.iter().map(|path| packed(path)).collect();
    Head::try_new(ModuleId::parse("web").unwrap(), Version::new(1, 2, 3), files)
}

fn text() -> String {
    String::from_utf8(head(&["run", "module.json"]).unwrap().to_json()).unwrap()
}

#[test]
fn what_is_written_is_read() {
    let head = head(&["z/run", "a", "module.json", "z-run"]).unwrap();
    let paths: Vec<&str> = head.files().iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["a", "module.json", "z-run", "z/run"]);
    assert_eq!(Head::parse(&head.to_json()).unwrap(), head);
    assert_eq!(head.target(), "web/1.2.3.json");
}

#[test]
fn a_package_that_can_t_be_is_refused() {
    assert!(matches!(head(&["a"]), Err(HeadFlaw::NoManifest)));
    assert!(matches!(head(&["module.json", "a", "a"]), Err(HeadFlaw::Order(path)) if path.as_str() == "a"));
    let folder = head(&["module.json", "a", "a-b", "a/b"]);
    assert!(matches!(folder, Err(HeadFlaw::Folder(path)) if path.as_str() == "a"));
    let many: Vec<String> = (0..FILES_MAX).map(|number| format!("f{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["module.json"]).collect();
    assert!(matches!(head(&many), Err(HeadFlaw::TooMany)));
    let mut long = packed("module.json");
    long.digests.bytes = UNPACKED_BYTES_MAX + 1;
    let module = ModuleId::parse("web").unwrap();
    assert!(matches!(Head::try_new(module, Version::new(1, 0, 0), vec![long]), Err(HeadFlaw::TooLong)));
}

#[test]
fn strange_texts_are_refused_by_what_is_wrong() {
    let parse = |from: &str, to: &str| Head::parse(text().replace(from, to).as_bytes()).unwrap_err();
    assert!(matches!(parse("\"format\": 1", "\"format\": 2"), HeadFlaw::Format { found: 2 }));
    assert!(matches!(parse("\"format\"", "\"extra\": 1, \"format\""), HeadFlaw::Json(_)));
    assert!(matches!(parse("\"web\"", "\"../web\""), HeadFlaw::Module(_)));
    assert!(matches!(parse("1.2.3", "1.2"), HeadFlaw::Version(_)));
    assert!(matches!(parse("\"run\"", "\"../run\""), HeadFlaw::Path { flaw: PathFlaw::Up }));
    assert!(matches!(parse("\"run\"", "\"/run\""), HeadFlaw::Path { flaw: PathFlaw::Absolute }));
    assert!(matches!(parse("\"run\"", "\"a\""), HeadFlaw::Order(_)));
    assert!(matches!(parse("sha256\": \"", "sha256\": \"0"), HeadFlaw::Hash(_)));
    assert!(matches!(Head::parse(b""), Err(HeadFlaw::Json(_))));
    let endless = text().replace("1.2.3", &format!("1.2.3-{}", "a".repeat(100)));
    assert!(matches!(Head::parse(endless.as_bytes()), Err(HeadFlaw::Version(_))));
}
