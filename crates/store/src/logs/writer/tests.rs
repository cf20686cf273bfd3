//! Where lines go, when a file is full, and what happens to files that somebody else touches.

use super::*;

struct Home {
    folder: tempfile::TempDir,
    writer: Writer,
}

const LIMITS: LogLimits = LogLimits { file_bytes_max: 20, files_max: 3, generations_max: 2 };

fn life(generation: u64) -> Life {
    (ModuleId::parse("m").unwrap(), Generation(generation))
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::new(folder.path().join("logs"), LIMITS);
        Self { folder, writer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("logs/m").join(name)
    }

    fn write(&mut self, generation: u64, text: &str) {
        let mut lines = text.as_bytes().to_vec();
        self.writer.write(&life(generation), &mut lines).unwrap();
        assert_eq!(lines, b"", "everything was written");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let files = shelf::list(&self.folder.path().join("logs"), &life(1).0).unwrap();
        files.iter().map(|file| file.key.name()).collect()
    }
}

#[test]
fn lines_fill_a_file_exactly_and_then_the_next() {
    let mut home = Home::new();
    home.write(1, "123456789\n");
    home.write(1, "123456789\n");
    assert_eq!(home.names(), ["1.jsonl"]);
    home.write(1, "a\n");
    assert_eq!((home.text("1.jsonl").len(), home.text("1.1.jsonl").as_str()), (20, "a\n"));
    home.write(1, "23456789\nb\nc\nd\ne\nf\ng\n");
    assert_eq!(
        (home.text("1.1.jsonl").as_str(), home.text("1.2.jsonl").as_str()),
        ("a\n23456789\nb\nc\nd\ne\n", "f\ng\n")
    );
}

#[test]
fn a_line_longer_than_a_file_has_its_own() {
    let mut home = Home::new();
    home.writer.limits.files_max = 9;
    let long = "x".repeat(50) + "\n";
    home.write(1, &format!("a\n{long}b\n"));
    assert_eq!(home.text("1.jsonl"), "a\n");
    assert_eq!(home.text("1.1.jsonl"), long);
    assert_eq!(home.text("1.2.jsonl"), "b\n");
}

#[test]
fn the_oldest_files_go_when_there_are_too_many() {
    let mut home = Home::new();
    for number in 0..10 {
        home.write(1, &format!("{number:019}\n"));
    }
    assert_eq!(home.names(), ["1.7.jsonl", "1.8.jsonl", "1.9.jsonl"]);
}

#[test]
fn the_oldest_lives_go_when_there_are_too_many() {
    let mut home = Home::new();
    for generation in 1..=4 {
        home.write(generation, "a\n");
    }
    assert_eq!(home.names(), ["3.jsonl", "4.jsonl"]);
}

#[test]
fn another_writer_goes_on_in_the_newest_file() {
    let mut home = Home::new();
    home.write(1, "1234567890123456789\na\n");
    let mut home = Home { writer: Writer::new(home.folder.path().join("logs"), LIMITS), folder: home.folder };
    home.write(1, "b\n");
    assert_eq!(home.text("1.1.jsonl"), "a\nb\n");
}

#[test]
fn half_a_line_of_a_killed_writer_is_ended() {
    let mut home = Home::new();
    fs::create_dir_all(home.path("")).unwrap();
    fs::write(home.path("1.jsonl"), b"a\nhalf").unwrap();
    home.write(1, "b\n");
    assert_eq!(home.text("1.jsonl"), "a\nhalf\nb\n");
}

#[test]
fn a_file_removed_by_hand_is_begun_again() {
    let mut home = Home::new();
    home.write(1, "a\n");
    fs::remove_dir_all(home.path("")).unwrap();
    home.write(1, "b\n");
    assert_eq!(home.text("1.jsonl"), "b\n");
}

#[test]
fn more_lives_than_open_files_lose_nothing() {
    let mut home = Home::new();
    let modules: Vec<Life> = (0..OPEN_FILES_MAX * 2)
        .map(|number| (ModuleId::parse(&format!("m{number}")).unwrap(), Generation(1)))
        .collect();
    for round in 0..3 {
        for life in &modules {
            home.writer.write(life, &mut format!("{round}\n").into_bytes()).unwrap();
        }
    }
    assert!(home.writer.open.len() <= OPEN_FILES_MAX);
    for (module, _) in &modules {
        let path = home.folder.path().join("logs").join(module.as_str()).join("1.jsonl");
        assert_eq!(fs::read_to_string(path).unwrap(), "0\n1\n2\n");
    }
}

#[test]
fn what_is_refused_is_kept() {
    let mut home = Home::new();
    fs::create_dir_all(home.folder.path().join("logs")).unwrap();
    fs::write(home.folder.path().join("logs/m"), b"a file where the folder should be").unwrap();
    let mut lines = b"a\n".to_vec();
    let error = home.writer.write(&life(1), &mut lines).unwrap_err();
    assert_eq!(abi::Explain::code(&error), "store::logs::list");
    assert_eq!(lines, b"a\n");
}
