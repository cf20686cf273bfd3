//! What the package says of the program.

use super::newest_libc;

#[test]
fn the_newest_version_of_the_c_library_counts() {
    assert_eq!(newest_libc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.17\0"), 34);
    assert_eq!(newest_libc(b"GLIBC_2.4\0"), 4);
    assert_eq!(newest_libc(b"nothing"), 0);
}
