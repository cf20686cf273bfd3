//! What counts as static.

use super::dynamic_parts;

/// A file with these kinds of program headers, of 8 bytes each.
fn image(kinds: &[u32]) -> Vec<u8> {
    let mut image = vec![0; 64];
    image[..6].copy_from_slice(b"\x7fELF\x02\x01");
    image[32] = 64;
    image[54] = 8;
    image[56] = u8::try_from(kinds.len()).expect("a few");
    for kind in kinds {
        image.extend(u64::from(*kind).to_le_bytes());
    }
    image
}

#[test]
fn a_program_without_a_loader_is_static() {
    assert_eq!(dynamic_parts(&image(&[1, 1, 4])), Some(0));
}

#[test]
fn a_program_that_names_a_loader_is_not() {
    assert_eq!(dynamic_parts(&image(&[3, 1, 2])), Some(2));
}

#[test]
fn our_own_program_is_not() {
    let own = std::fs::read(std::env::current_exe().expect("a path")).expect("readable");
    assert!(dynamic_parts(&own).is_some_and(|parts| parts > 0));
}

#[test]
fn what_is_cut_short_is_no_program() {
    let whole = image(&[1, 2]);
    for cut in 0..whole.len() - 4 {
        assert_eq!(dynamic_parts(&whole[..cut]), None, "{cut} bytes");
    }
}
