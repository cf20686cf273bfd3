//! Findings are known again by their sentences; what a healthy and a missing home show is known whole.

use super::{SENTENCES, finding, values};
use crate::lang::Lang;

fn places(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    found.sort_unstable();
    found
}

#[test]
fn both_languages_name_the_same_values() {
    for (english, polish) in SENTENCES {
        assert_eq!(places(english), places(polish), "{english}");
    }
}

#[test]
fn a_sentence_is_said_anew_with_its_values() {
    let polish = |text| finding(Lang::Pl, text).into_owned();
    assert_eq!(polish("120 MiB free"), "120 MiB wolne");
    assert_eq!(polish("/h is not there yet"), "/h jeszcze nie ma");
    assert_eq!(polish("3 records, all as they were written"), "wpisy: 3, wszystkie takie, jak je zapisano");
    assert_eq!(polish("version 1, pid 2, up 3s"), "wersja 1, pid 2, działa 3s");
    assert_eq!(polish("Python 3.12.1"), "Python 3.12.1");
    assert_eq!(finding(Lang::En, "120 MiB free"), "120 MiB free");
}

#[test]
fn values_are_found_only_in_the_whole_shape() {
    assert_eq!(values("{0} is {1}", "a is b is c"), Some(vec!["a", "b is c"]));
    assert_eq!(values("{0} at once", "5 at once"), Some(vec!["5"]));
    assert_eq!(values("{0} at once", "5 at once, or so"), None);
    assert_eq!(values("not here", "not here either"), None);
    assert_eq!(values("x {0}", "y"), None);
}

/// What the doctor says of this machine: everything but versions and reasons of the system has to be known.
#[test]
fn what_the_doctor_sees_of_homes_is_known() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for home in [folder.path().to_owned(), folder.path().join("none")] {
        for found in host::doctor::examine(&home) {
            let is_literal = |text: &str| text.starts_with('/') || text.is_empty() || text.contains("ostoja");
            if found.area == "home" || found.name == "open files" {
                for text in [found.area, &found.name, &found.seen, &found.help] {
                    let is_known = SENTENCES.iter().any(|(english, _)| values(english, text).is_some());
                    assert!(is_known || is_literal(text), "{text}");
                }
            }
        }
    }
}
