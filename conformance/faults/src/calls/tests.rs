//! Keys of calls: what differs between two runs is not in them.

use super::*;

#[test]
fn hashes_and_numbers_are_left_out_and_words_stay() {
    assert_eq!(plain("state/chunks/0123456789abcdef.bale"), "state/chunks/#.bale");
    assert_eq!(plain("state/.a.json.4711-0.aside"), "state/.a.json.#-#.aside");
    assert_eq!(plain("versions/greeter/.new-00ff00ff00ff"), "versions/greeter/.new-#");
    assert_eq!(plain("modules/feed"), "modules/feed");
}
