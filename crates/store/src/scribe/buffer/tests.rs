//! The limits on records and bytes, at one below, at, and above.

use super::*;

fn record() -> Record {
    Record::new("a.b")
}

fn take_all(buffer: &mut RecordBuffer) -> (usize, Option<Loss>) {
    let mut into = Vec::new();
    let loss = buffer.take(&mut into);
    (into.len(), loss)
}

#[test]
fn records_are_let_in_up_to_the_limit() {
    let mut buffer = RecordBuffer::default();
    for _ in 0..RECORDS_MAX {
        assert_eq!(buffer.push((Wall(1), record())), Admission::Queued);
    }
    assert_eq!(buffer.push((Wall(2), record())), Admission::Lost);
    assert_eq!(buffer.push((Wall(3), record())), Admission::Lost);
    let loss = Loss { count: 2, since: Wall(2), until: Wall(3) };
    assert_eq!(take_all(&mut buffer), (RECORDS_MAX, Some(loss)));
    assert!(buffer.is_empty());
    assert_eq!(buffer.push((Wall(4), record())), Admission::Queued);
    assert_eq!(take_all(&mut buffer), (1, None));
}

#[test]
fn bytes_are_let_in_up_to_the_limit() {
    let base = bytes_of(&record().text("t", ""));
    let exact = record().text("t", "x".repeat(BYTES_MAX - base));
    let larger = record().text("t", "x".repeat(BYTES_MAX - base + 1));
    assert_eq!(RecordBuffer::default().push((Wall(1), exact)), Admission::Queued);
    assert_eq!(RecordBuffer::default().push((Wall(1), larger)), Admission::Lost);
}

#[test]
fn after_a_loss_nothing_is_let_in_until_all_was_taken() {
    let mut buffer = RecordBuffer::default();
    let _ = buffer.push((Wall(1), record().text("t", "x".repeat(BYTES_MAX))));
    // There is room again for this one, but it would stand before the count of what was lost before it.
    assert_eq!(buffer.push((Wall(2), record())), Admission::Lost);
    assert!(!buffer.is_empty());
    assert_eq!(take_all(&mut buffer), (0, Some(Loss { count: 2, since: Wall(1), until: Wall(2) })));
}
