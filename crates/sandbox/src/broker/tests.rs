//! What is said of refusals.

use super::Refusal;

#[test]
fn a_refusal_names_the_grant_that_would_have_allowed_it() {
    let connect = Refusal::Connect("[::1]:80".parse().unwrap());
    assert_eq!((connect.act(), connect.grant().as_str()), ("connect", "[::1]:80"));
    let name = Refusal::Name("api.example".to_owned());
    assert_eq!((name.act(), name.grant().as_str()), ("resolve", "api.example"));
}
