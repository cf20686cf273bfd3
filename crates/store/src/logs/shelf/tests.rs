//! Names of files, and which of them go when there are too many.

use super::*;

fn key(generation: u64, part: u32) -> FileKey {
    FileKey { generation: Generation(generation), part }
}

fn file(generation: u64, part: u32, bytes: u64, modified_ms: u64) -> ListedFile {
    let key = key(generation, part);
    ListedFile { key, path: PathBuf::from(key.name()), bytes, modified_ms }
}

fn dropped(files: &[ListedFile], current: FileKey, limits: LogLimits) -> Vec<String> {
    let mut names: Vec<_> = to_drop(files, current, limits)
        .into_iter()
        .map(|path| path.into_os_string().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const LIMITS: LogLimits = LogLimits { file_bytes_max: 100, files_max: 3, generations_max: 2 };

#[test]
fn names_come_back_as_keys_and_nothing_else_does() {
    for key in [key(0, 0), key(7, 0), key(u64::MAX, u32::MAX)] {
        assert_eq!(FileKey::parse(&key.name()), Some(key));
    }
    for name in
        ["", "7", ".jsonl", "07.jsonl", "7.0.jsonl", "7.01.jsonl", "+7.jsonl", "7.1.2.jsonl", "x.jsonl"]
    {
        assert_eq!(FileKey::parse(name), None, "{name}");
    }
}

#[test]
fn a_folder_is_listed_in_order_and_without_strangers() {
    let logs = tempfile::tempdir().unwrap();
    let module = ModuleId::parse("m").unwrap();
    assert_eq!(list(logs.path(), &module).unwrap(), []);
    let folder = logs.path().join("m");
    fs::create_dir(&folder).unwrap();
    for name in ["10.jsonl", "9.2.jsonl", "9.jsonl", "9.10.jsonl", "notes.txt"] {
        fs::write(folder.join(name), b"x\n").unwrap();
    }
    fs::create_dir(folder.join("8.jsonl")).unwrap();
    let keys: Vec<_> = list(logs.path(), &module).unwrap().into_iter().map(|file| file.key).collect();
    assert_eq!(keys, [key(9, 0), key(9, 2), key(9, 10), key(10, 0)]);
    fs::create_dir(logs.path().join("..strange")).unwrap();
    fs::create_dir(logs.path().join("a")).unwrap();
    assert_eq!(modules(logs.path()).unwrap(), [ModuleId::parse("a").unwrap(), module]);
}

#[test]
fn lives_go_by_the_time_of_their_last_line() {
    let files = [file(1, 0, 1, 30), file(2, 0, 1, 10), file(2, 1, 1, 20), file(9, 0, 0, 40)];
    assert_eq!(dropped(&files, key(9, 0), LIMITS), ["2.1.jsonl", "2.jsonl"]);
    // A kernel that counts anew: life 1 is the newest although its number is the smallest.
    let files = [file(1, 0, 0, 40), file(8, 0, 1, 20), file(9, 0, 1, 10)];
    assert_eq!(dropped(&files, key(1, 0), LIMITS), ["9.jsonl"]);
}

#[test]
fn bytes_past_the_limit_go_from_the_oldest_file_on() {
    // The current file may still grow to a whole one, so two full ones may stand beside it.
    let full = [file(1, 0, 100, 1), file(2, 0, 100, 2), file(2, 1, 0, 3)];
    assert_eq!(dropped(&full, key(2, 1), LIMITS), [] as [&str; 0]);
    let more = [file(1, 0, 100, 1), file(2, 0, 100, 2), file(2, 1, 100, 3), file(2, 2, 0, 4)];
    assert_eq!(dropped(&more, key(2, 2), LIMITS), ["1.jsonl"]);
    let by_one = [file(1, 0, 1, 1), file(2, 0, 100, 2), file(2, 1, 100, 3), file(2, 2, 0, 4)];
    assert_eq!(dropped(&by_one, key(2, 2), LIMITS), ["1.jsonl"]);
    let one_file = LogLimits { files_max: 1, ..LIMITS };
    assert_eq!(dropped(&full, key(2, 1), one_file), ["1.jsonl", "2.jsonl"]);
}

#[test]
fn the_current_file_never_goes() {
    let nothing = LogLimits { file_bytes_max: 0, files_max: 0, generations_max: 0 };
    assert_eq!(dropped(&[file(1, 0, 500, 1)], key(1, 0), nothing), [] as [&str; 0]);
}

#[test]
fn a_file_beside_the_modules_folders_is_no_module() {
    let logs = tempfile::tempdir().unwrap();
    fs::create_dir(logs.path().join("m")).unwrap();
    fs::write(logs.path().join("kernel.log"), b"said before there was a module").unwrap();
    assert_eq!(modules(logs.path()).unwrap(), [ModuleId::parse("m").unwrap()]);
}
