//! Packages: what is packed is read, and everything that differs from the one form is refused by what is wrong.

use std::io::{Cursor, Read};

use abi::ModuleId;
use proptest::prelude::*;
use semver::Version;

use super::*;
use crate::chunk::tests::noise;
use crate::digest::Digests;

/// A module of three files.
fn files() -> Vec<(&'static str, Rights, Vec<u8>)> {
    vec![
        ("lib/words.txt", Rights::Plain, b"mainstay\n".repeat(100)),
        ("module.json", Rights::Plain, b"{\"name\":\"web\"}".to_vec()),
        ("run", Rights::Executable, noise(1, 2000)),
    ]
}

fn head_of(files: &[(&str, Rights, Vec<u8>)]) -> Head {
    let packed = files.iter().map(|(path, rights, bytes)| PackedFile {
        path: PackedPath::parse(path).unwrap(),
        rights: *rights,
        digests: Digests::of(bytes),
    });
    Head::try_new(ModuleId::parse("web").unwrap(), Version::new(1, 2, 3), packed.collect()).unwrap()
}

fn slice() -> Slice {
    [("1.root.json", "{root}"), ("targets.json", "{targets}")]
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .into()
}

fn package() -> Vec<u8> {
    let files = files();
    let mut open = |file: &PackedFile| {
        let bytes = files.iter().find(|(path, ..)| *path == file.path.as_str()).unwrap().2.clone();
        Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read>)
    };
    let mut package = Vec::new();
    write_package(&head_of(&files), &slice(), &mut open, &mut package).unwrap();
    package
}

/// What a reader gets out of a package.
fn unpack(package: &[u8]) -> Result<(Head, Slice, Vec<Vec<u8>>), PackageError> {
    let mut reader = PackageReader::open(package)?;
    let mut contents = Vec::new();
    while let Some((_, mut file)) = reader.next_file()? {
        let mut bytes = Vec::new();
        if let Err(error) = file.read_to_end(&mut bytes) {
            // What stands behind it is what the next call says.
            assert!(matches!(
                error.kind(),
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData
            ));
        }
        contents.push(bytes);
    }
    let slice = reader.slice().clone();
    Ok((reader.finish()?, slice, contents))
}

/// The entries of the good package's tar: header and filled-up bytes.
fn entries() -> Vec<(tar::Header, Vec<u8>)> {
    let files = files();
    let head = head_of(&files).to_json();
    let mut entries = vec![(header(HEAD, head.len() as u64, Rights::Plain).unwrap(), head)];
    for (name, bytes) in slice() {
        entries.push((header(&format!("{TRUST}{name}"), bytes.len() as u64, Rights::Plain).unwrap(), bytes));
    }
    for (path, rights, bytes) in files {
        entries.push((header(&format!("{FILES}{path}"), bytes.len() as u64, rights).unwrap(), bytes));
    }
    entries
}

fn tar_of(entries: &[(tar::Header, Vec<u8>)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (header, bytes) in entries {
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(bytes);
        tar.resize(tar.len() + padding(bytes.len() as u64), 0);
    }
    tar.resize(tar.len() + END_BYTES, 0);
    tar
}

fn frame(tar: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(tar, 3).unwrap()
}

/// What a reader says of a package whose entries were changed.
fn refusal(change: impl FnOnce(&mut Vec<(tar::Header, Vec<u8>)>)) -> PackageError {
    let mut entries = entries();
    change(&mut entries);
    unpack(&frame(&tar_of(&entries))).unwrap_err()
}

/// The same entry of another kind, as whoever builds an attack would write it.
fn turned(header: &tar::Header, turn: impl FnOnce(&mut tar::Header)) -> tar::Header {
    let mut header = header.clone();
    turn(&mut header);
    header.set_cksum();
    header
}

#[test]
fn what_is_packed_is_read() {
    let (head, found, contents) = unpack(&package()).unwrap();
    assert_eq!((head, found), (head_of(&files()), slice()));
    assert_eq!(contents, files().into_iter().map(|(.., bytes)| bytes).collect::<Vec<_>>());
    assert_eq!(package(), package(), "the same files make the same package");
    assert!(unpack(&frame(&tar_of(&entries()))).is_ok(), "the tests' own tar is a package");
}

#[test]
fn the_fuzzer_begins_with_a_package() {
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/package/good.tar");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(seed, tar_of(&entries())).unwrap();
    }
    let tar = std::fs::read(seed).unwrap();
    assert_eq!(tar, tar_of(&entries()), "UPDATE_EXPECT=1 writes it anew");
    unpack(&frame(&tar)).unwrap();
}

#[test]
fn a_reader_may_skip_files_and_they_are_compared_all_the_same() {
    let reader = PackageReader::open(package().as_slice().to_vec().leak() as &[u8]).unwrap();
    assert_eq!(reader.finish().unwrap(), head_of(&files()));
    let mut entries = entries();
    entries[5].1[7] ^= 1;
    let changed = frame(&tar_of(&entries));
    let error = PackageReader::open(changed.as_slice()).unwrap().finish().unwrap_err();
    assert!(matches!(error, PackageError::Content { what: "SHA-256", .. }), "{error}");
}

#[test]
fn the_usual_tar_reads_a_package_too() {
    let tar = zstd::bulk::decompress(&package(), 1 << 20).unwrap();
    let mut archive = tar::Archive::new(tar.as_slice());
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().to_string_lossy().into_owned())
        .collect();
    let wanted = ["okm.json", "trust/1.root.json", "trust/targets.json", "files/lib/words.txt"];
    assert_eq!(names[..4], wanted);
}

#[test]
fn whatever_is_no_file_is_refused_by_its_kind() {
    use tar::EntryType;
    for (entry_type, word) in [
        (EntryType::Symlink, "symbolic"),
        (EntryType::Link, "hard"),
        (EntryType::Directory, "folder"),
        (EntryType::Char, "device"),
        (EntryType::Block, "device"),
        (EntryType::Fifo, "pipe"),
        (EntryType::XHeader, "extension"),
        (EntryType::GNULongName, "extension"),
        (EntryType::GNUSparse, "holes"),
        (EntryType::new(b'7'), "unknown"),
    ] {
        for at in [0, 1, 3, 5] {
            let error = refusal(|entries| {
                entries[at].0 = turned(&entries[at].0, |header| header.set_entry_type(entry_type));
            });
            assert!(matches!(error, PackageError::Kind { kind, .. } if kind.contains(word)), "{error}");
        }
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for (name, flaw) in [
        (&b"/etc/passwd"[..], PathFlaw::Absolute),
        (b"files//etc/passwd", PathFlaw::Absolute),
        (b"files/../../x", PathFlaw::Up),
        (b"../x", PathFlaw::Up),
        (b"files/a\\b", PathFlaw::Character),
        (b"files/\xff", PathFlaw::Character),
        (b"trust/../x", PathFlaw::Up),
    ] {
        let error = refusal(|entries| {
            entries[3].0 = turned(&entries[3].0, |header| {
                let field = &mut header.as_old_mut().name;
                field.fill(0);
                field[..name.len()].copy_from_slice(name);
            });
        });
        assert!(matches!(error, PackageError::Path(found) if found == flaw), "{error}");
    }
}

#[test]
fn what_is_extra_twice_missing_or_out_of_order_is_refused() {
    let extra = header("files/module.js", 4, Rights::Plain).unwrap();
    let unexpected =
        |error: PackageError| assert!(matches!(error, PackageError::Unexpected { .. }), "{error}");
    unexpected(refusal(|entries| entries.insert(3, (extra.clone(), b"evil".to_vec()))));
    unexpected(refusal(|entries| entries.push((extra.clone(), b"evil".to_vec()))));
    unexpected(refusal(|entries| entries.insert(4, entries[4].clone())));
    unexpected(refusal(|entries| entries.push(entries[5].clone())));
    unexpected(refusal(|entries| entries.insert(2, entries[1].clone())));
    unexpected(refusal(|entries| entries.swap(1, 2)));
    unexpected(refusal(|entries| entries.swap(4, 5)));
    unexpected(refusal(|entries| drop(entries.remove(4))));
    unexpected(refusal(|entries| drop(entries.remove(0))));
    let last = refusal(|entries| drop(entries.pop()));
    assert!(matches!(&last, PackageError::Short { entry } if entry == "files/run"), "{last}");
}

#[test]
fn every_field_of_a_header_has_its_one_form() {
    let form = |turn: &dyn Fn(&mut tar::Header)| {
        let error = refusal(|entries| entries[3].0 = turned(&entries[3].0, turn));
        assert!(matches!(error, PackageError::Form { .. }), "{error}");
    };
    form(&|header| header.set_uid(1));
    form(&|header| header.set_gid(1));
    form(&|header| header.set_mtime(1));
    form(&|header| header.set_mode(0o4755));
    form(&|header| header.set_mode(0o755));
    form(&|header| header.set_size(5));
    form(&|header| header.as_old_mut().linkname[0] = b'x');
    form(&|header| header.as_mut_bytes()[511] = 1);
    let error = refusal(|entries| entries[3].0.as_mut_bytes()[150] ^= 1);
    assert!(matches!(error, PackageError::Form { .. }), "a wrong checksum: {error}");
}

#[test]
fn changed_contents_are_named_with_the_check_that_failed() {
    let error = refusal(|entries| entries[3].1[0] ^= 1);
    assert!(
        matches!(&error, PackageError::Content { path, what: "SHA-256" } if path.as_str() == "lib/words.txt"),
        "{error}"
    );
    let mut other = head_of(&files());
    let text = String::from_utf8(other.to_json()).unwrap();
    let blake3 = blake3::hash(&files()[0].2).to_string();
    other = Head::parse(text.replace(&blake3, &"0".repeat(64)).as_bytes()).unwrap();
    let error = refusal(|entries| {
        let text = other.to_json();
        entries[0] = (header(HEAD, text.len() as u64, Rights::Plain).unwrap(), text);
    });
    assert!(matches!(error, PackageError::Content { what: "BLAKE3", .. }), "{error}");
}

#[test]
fn what_fills_up_and_what_follows_is_nothing() {
    let mut tar = tar_of(&entries());
    let filling = BLOCK + head_of(&files()).to_json().len();
    tar[filling] = 1;
    assert!(matches!(unpack(&frame(&tar)), Err(PackageError::Form { .. })));
    let tar = tar_of(&entries());
    assert!(matches!(unpack(&frame(&[&tar[..], b"x"].concat())), Err(PackageError::Trailing)));
    assert!(matches!(unpack(&[package(), b"x".to_vec()].concat()), Err(PackageError::Trailing)));
    assert!(matches!(unpack(&[package(), package()].concat()), Err(PackageError::Trailing)));
    let short = unpack(&frame(&tar[..tar.len() - 1]));
    assert!(matches!(short, Err(PackageError::Short { .. })));
}

#[test]
fn bombs_are_refused_by_ratio_by_size_and_by_count() {
    let zeros = vec![0; 8 << 20];
    let bomb = [("module.json", Rights::Plain, zeros.clone())];
    let mut open = |_: &PackedFile| Ok(Box::new(Cursor::new(zeros.clone())) as Box<dyn Read>);
    let mut package = Vec::new();
    write_package(&head_of(&bomb), &Slice::new(), &mut open, &mut package).unwrap();
    assert!(matches!(unpack(&package), Err(PackageError::Ratio)), "{} bytes", package.len());
    let limit = |error: PackageError, wanted: u64| {
        assert!(matches!(error, PackageError::Limit { limit, .. } if limit == wanted), "{error}");
    };
    limit(
        refusal(|entries| entries[0].0 = turned(&entries[0].0, |header| header.set_size(1 << 40))),
        HEAD_BYTES_MAX,
    );
    limit(
        refusal(|entries| {
            entries[1].0 = turned(&entries[1].0, |header| header.set_size(TRUST_BYTES_MAX + 1))
        }),
        TRUST_BYTES_MAX,
    );
    limit(
        refusal(|entries| {
            entries.drain(1..3);
            for number in (0..=TRUST_FILES_MAX).rev() {
                let name = format!("{TRUST}{number:04}");
                entries.insert(1, (header(&name, 0, Rights::Plain).unwrap(), Vec::new()));
            }
        }),
        TRUST_FILES_MAX as u64,
    );
}

#[test]
fn a_frame_that_refers_far_back_gets_no_memory() {
    let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    wide.window_log(27).unwrap();
    std::io::Write::write_all(&mut wide, &tar_of(&entries())).unwrap();
    let error = unpack(&wide.finish().unwrap()).unwrap_err();
    assert!(matches!(error, PackageError::Read(_)), "{error}");
}

#[test]
fn a_package_that_is_cut_or_changed_anywhere_is_refused_unless_signatures_are_to_tell() {
    let whole = package();
    let good = unpack(&whole).unwrap();
    for at in 0..whole.len() {
        assert!(unpack(&whole[..at]).is_err(), "cut after {at} of {} bytes", whole.len());
        let mut changed = whole.clone();
        changed[at] ^= 0x11;
        // What vouches for the files, and what it vouches for, is for `trust` to compare; all else hangs on it.
        if let Ok(found) = unpack(&changed)
            && (&found.0, &found.1) == (&good.0, &good.1)
        {
            assert!(found.2 == good.2, "byte {at}");
        }
    }
}

#[test]
fn a_file_that_changes_while_it_is_packed_is_noticed() {
    for other in [&b"{\"name\":\"bad\"}"[..], b"", b"{\"name\":\"web\"} and more"] {
        let files = [("module.json", Rights::Plain, b"{\"name\":\"web\"}".to_vec())];
        let mut open = |_: &PackedFile| Ok(Box::new(Cursor::new(other.to_vec())) as Box<dyn Read>);
        let error = write_package(&head_of(&files), &slice(), &mut open, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, PackageError::Content { .. }), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall(tar: Vec<u8>, text: Vec<u8>) {
        prop_assert!(unpack(&tar).is_err());
        prop_assert!(unpack(&frame(&tar)).is_err());
        let head = header(HEAD, text.len() as u64, Rights::Plain).unwrap();
        prop_assert!(unpack(&frame(&tar_of(&[(head, text)]))).is_err());
    }
}
