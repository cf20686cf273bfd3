//! The files of this machine behave as the trait says.

use super::*;

#[test]
fn what_is_written_is_listed_read_renamed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, folder) = (LocalDisk, folder.path().join("a/b"));
    disk.make_folder(&folder).unwrap();
    disk.make_folder(&folder).unwrap();
    let (one, two) = (folder.join("one"), folder.join("two"));
    disk.write_new(&one, b"0123456789").unwrap();
    assert_eq!(disk.write_new(&one, b"").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    disk.sync_file(&one).unwrap();
    disk.rename(&one, &two).unwrap();
    disk.sync_folder(&folder).unwrap();
    std::os::unix::fs::symlink("two", folder.join("link")).unwrap();
    assert_eq!(disk.list(&folder).unwrap(), [("two".to_owned(), 10)]);
    assert_eq!(disk.read(&two, 10).unwrap(), b"0123456789");
    assert_eq!(disk.read(&two, 9).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(disk.read_at(&two, 3, 4).unwrap(), b"3456");
    assert_eq!(disk.read_at(&two, 8, 4).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    disk.remove(&two).unwrap();
    assert_eq!(disk.read(&two, 9).unwrap_err().kind(), io::ErrorKind::NotFound);
}
