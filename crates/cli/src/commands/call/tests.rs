//! What typed words mean as a value.

use serde_json::json;

use super::*;

fn value(words: &[&str]) -> Result<Option<Value>, Exit> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    read_value(&words).map_err(|stopped| match stopped {
        crate::failure::Stopped::Failed(failure) => failure.exit,
        crate::failure::Stopped::ReaderGone => Exit::Done,
    })
}

#[test]
fn one_word_is_json_if_it_can_be() {
    assert_eq!(value(&[]), Ok(None));
    assert_eq!(value(&["{\"a\": 1}"]), Ok(Some(json!({ "a": 1 }))));
    assert_eq!(value(&["5"]), Ok(Some(json!(5))));
    assert_eq!(value(&["\"5\""]), Ok(Some(json!("5"))));
    assert_eq!(value(&["hello there"]), Ok(Some(json!("hello there"))));
}

#[test]
fn pairs_make_an_object_whose_values_are_json_if_they_can_be() {
    assert_eq!(value(&["name=Ola"]), Ok(Some(json!({ "name": "Ola" }))));
    assert_eq!(
        value(&["n=3", "ok=true", "s=a=b", "e="]),
        Ok(Some(json!({ "n": 3, "ok": true, "s": "a=b", "e": "" })))
    );
}

#[test]
fn half_json_and_half_pairs_are_refused() {
    assert_eq!(value(&["{\"a\": 1"]), Err(Exit::Usage));
    assert_eq!(value(&["a=1", "b"]), Err(Exit::Usage));
    assert_eq!(value(&["=1", "b=2"]), Err(Exit::Usage));
    assert_eq!(value(&["@/nonexistent/file"]), Err(Exit::NotFound));
}
