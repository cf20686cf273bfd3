//! Scopes as texts.

use alloc::string::ToString;

use super::Scope;

#[test]
fn a_scope_reads_back_as_it_is_written() {
    for text in ["module:web", "session:chat.7"] {
        assert_eq!(Scope::parse(text).expect("a scope").to_string(), text);
    }
    for bad in ["", "web", "module:", "session:*", "session:a b", "user:web", "session:a:b"] {
        assert_eq!(Scope::parse(bad), None, "{bad}");
    }
}
