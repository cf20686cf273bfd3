//! Streams are bounded in both directions and tear no line.

use super::*;

#[test]
fn inlet_takes_all_or_nothing_and_ends() {
    let mut inlet = Inlet::default();
    assert_eq!(inlet.write(&vec![1; INLET_BYTES_MAX]), Taken::All);
    assert_eq!(inlet.write(&[2]), Taken::Full);
    assert_eq!(inlet.read(INLET_BYTES_MAX - 1).unwrap().len(), INLET_BYTES_MAX - 1);
    assert_eq!(inlet.write(&[2]), Taken::All);
    inlet.close();
    assert_eq!(inlet.write(&[3]), Taken::Closed);
    assert_eq!(inlet.read(10).unwrap(), [1, 2][..]);
    assert!(matches!(inlet.read(10), Err(StreamError::Closed)));
}

#[test]
fn scribble_gives_whole_lines_and_counts_what_is_lost() {
    let scribble = Scribble::default();
    let mut outlet = scribble.outlet();
    outlet.write(Bytes::from_static(b"one\ntw")).unwrap();
    let mut lines = Vec::new();
    scribble.drain(|line| lines.push(line.to_owned()));
    outlet.write(Bytes::from_static(b"o\n")).unwrap();
    scribble.drain(|line| lines.push(line.to_owned()));
    assert_eq!(lines, ["one", "two"]);
    outlet.write(Bytes::from(vec![b'x'; OUTPUT_BYTES_MAX + 5])).unwrap();
    lines.clear();
    scribble.drain(|line| lines.push(line.to_owned()));
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], "5 bytes of output were dropped");
}
