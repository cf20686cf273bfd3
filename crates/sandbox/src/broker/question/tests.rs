//! Questions as programs send them, and as attackers do.

use super::Asked;

/// A question for a name in labels.
fn question(labels: &[&str], kind: u16) -> Vec<u8> {
    let mut bytes = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in labels {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes
}

#[test]
fn a_name_is_read_and_answered_in_kind() {
    let asked = Asked::parse(&question(&["API", "example"], 1)).unwrap();
    assert_eq!(asked.name, "api.example");
    let answer = asked.answered(0, &["10.0.0.7".parse().unwrap(), "::2".parse().unwrap()]);
    assert_eq!(answer[..8], [0xab, 0xcd, 0x81, 0x80, 0, 1, 0, 1]);
    assert_eq!(answer[answer.len() - 6..], [0, 4, 10, 0, 0, 7]);
    let six = Asked::parse(&question(&["api", "example"], 28)).unwrap();
    assert_eq!(six.answered(0, &["10.0.0.7".parse().unwrap(), "::2".parse().unwrap()]).len(), 12 + 17 + 28);
}

#[test]
fn a_denial_says_that_there_is_no_such_name() {
    let answer = Asked::parse(&question(&["x"], 1)).unwrap().answered(super::NO_SUCH_NAME, &[]);
    assert_eq!(answer[2..8], [0x81, 0x83, 0, 1, 0, 0]);
}

#[test]
fn the_longest_answer_fits() {
    let long = "a".repeat(61);
    let asked = Asked::parse(&question(&[&long, &long, &long, &long], 28)).unwrap();
    let many = vec!["2001:db8::1".parse().unwrap(); 40];
    assert!(asked.answered(0, &many).len() <= super::MESSAGE_BYTES_MAX);
}

#[test]
fn what_is_no_plain_question_is_not_answered() {
    let good = question(&["api", "example"], 1);
    for end in 0..good.len() {
        assert_eq!(Asked::parse(&good[..end]), None, "cut at {end}");
    }
    let mut answer = good.clone();
    answer[2] = 0x81;
    let mut two = good.clone();
    two[5] = 2;
    let mut pointer = good.clone();
    pointer[12] = 0xc0;
    let mut chaos = good.clone();
    *chaos.last_mut().unwrap() = 3;
    for bytes in [answer, two, pointer, chaos] {
        assert_eq!(Asked::parse(&bytes), None);
    }
    assert_eq!(Asked::parse(&question(&["a.b"], 1)), None);
    assert_eq!(Asked::parse(&question(&["a b"], 1)), None);
    assert_eq!(Asked::parse(&question(&[], 1)), None);
    let long = "a".repeat(63);
    assert_eq!(Asked::parse(&question(&[&long, &long, &long, &long, &long], 1)), None);
}
