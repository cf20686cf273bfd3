//! Tokens, sessions and codes: who is let in, for how long, and what is on the disk.

use super::wrong::{WRONG_BURST, WRONG_EVERY_MS};
use super::*;

const NOW: u64 = 1_763_769_600_000;

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn open() -> (tempfile::TempDir, Access) {
    let folder = tempfile::tempdir().expect("a folder");
    let access = Access::open(folder.path()).expect("opened");
    (folder, access)
}

fn token(access: &Access, life_ms: Option<u64>) -> (String, TokenRow) {
    access.make_token("prometheus", Role::Viewer, life_ms, NOW).expect("a token")
}

#[tokio::test]
async fn a_token_lets_in_its_role_until_it_ends_or_is_revoked() {
    let (_folder, access) = open();
    let (text, row) = token(&access, Some(1000));
    let who = access.by_token(FROM, &text, NOW + 999).await.expect("let in");
    assert_eq!((who.behalf.name.as_str(), who.behalf.role), ("prometheus", Role::Viewer));
    assert_eq!(access.by_token(FROM, &text, NOW + 1000).await, Err(Refused::Unknown));
    access.by_token(FROM, &text, NOW + 999).await.expect("let in again");
    access.revoke(&row.id).expect("revoked");
    assert_eq!(access.by_token(FROM, &text, NOW).await, Err(Refused::Unknown));
    assert!(matches!(access.revoke(&row.id), Err(AccessError::NoToken)));
}

#[tokio::test]
async fn tokens_and_sessions_outlive_the_process_and_their_texts_are_not_on_the_disk() {
    let (folder, access) = open();
    let (text, _) = token(&access, None);
    let (code, _) = access.make_code(Role::Operator, NOW).expect("a code");
    let (cookie, session) = access.login(FROM, &code, NOW).expect("logged in");
    let kept = std::fs::read_to_string(folder.path().join("access.json")).expect("kept");
    let secret = text.rsplit('_').next().expect("a secret");
    for hidden in [secret, &code, &cookie] {
        assert!(!kept.contains(hidden));
    }
    let again = Access::open(folder.path()).expect("opened again");
    assert!(again.by_token(FROM, &text, NOW).await.is_ok());
    let who = again.by_session(&cookie, NOW).expect("let in");
    assert_eq!((who.behalf.role, who.csrf), (Role::Operator, Some(session.csrf)));
}

#[tokio::test]
async fn a_token_with_another_secret_or_number_lets_nobody_in() {
    let (_folder, access) = open();
    let (text, _) = token(&access, None);
    let (other, _) = token(&access, None);
    let crossed =
        format!("{}_{}", text.rsplit_once('_').expect("parts").0, other.rsplit('_').next().expect("a part"));
    for wrong in [crossed.as_str(), "", "ostoja_", "ostoja__", &text[..text.len() - 1], &text.to_uppercase()]
    {
        assert_eq!(access.by_token(FROM, wrong, NOW).await, Err(Refused::Unknown), "{wrong}");
    }
    assert!(access.by_token(FROM, &text, NOW).await.is_ok());
}

#[test]
fn a_code_works_once_and_not_late() {
    let (_folder, access) = open();
    let (code, expires_at_ms) = access.make_code(Role::Admin, NOW).expect("a code");
    access.login(FROM, &code, NOW).expect("logged in");
    assert_eq!(access.login(FROM, &code, NOW).err(), Some(Refused::Unknown));
    let (late, _) = access.make_code(Role::Admin, NOW).expect("a code");
    assert_eq!(access.login(FROM, &late, expires_at_ms).err(), Some(Refused::Unknown));
}

#[test]
fn a_session_ends_by_itself_and_by_wish() {
    let (_folder, access) = open();
    let login = || {
        let (code, _) = access.make_code(Role::Admin, NOW).expect("a code");
        access.login(FROM, &code, NOW).expect("logged in")
    };
    let (first, session) = login();
    assert!(access.by_session(&first, session.expires_at_ms - 1).is_ok());
    assert!(access.by_session(&first, session.expires_at_ms).is_err());
    let (second, _) = login();
    access.logout(&second);
    assert!(access.by_session(&second, NOW).is_err());
    assert!(access.by_session(&first, NOW).is_ok());
}

#[tokio::test]
async fn many_wrong_ones_are_refused_unseen_until_time_has_passed() {
    let (_folder, access) = open();
    let mut refused = Vec::new();
    for _ in 0..=WRONG_BURST + 1 {
        refused.push(access.login(FROM, "wrong", NOW).expect_err("wrong"));
    }
    assert_eq!(refused.last(), Some(&Refused::TooMany));
    assert_eq!(access.by_token(FROM, "ostoja_0_0", NOW).await, Err(Refused::TooMany));
    assert_eq!(access.login(FROM, "wrong", NOW + 2 * WRONG_EVERY_MS).err(), Some(Refused::Unknown));
}

#[tokio::test]
async fn who_is_let_in_already_is_not_shut_out_by_somebody_who_guesses() {
    let (_folder, access) = open();
    let (text, _) = token(&access, None);
    access.by_token(FROM, &text, NOW).await.expect("let in");
    for _ in 0..2 * WRONG_BURST {
        let _wrong = access.login(FROM, "wrong", NOW);
    }
    assert!(access.by_token(FROM, &text, NOW).await.is_ok());
}

#[test]
fn names_lives_and_numbers_of_tokens_are_bounded() {
    let (_folder, access) = open();
    let make = |name: &str, life| access.make_token(name, Role::Viewer, life, NOW);
    assert!(matches!(make("", None), Err(AccessError::Name)));
    assert!(matches!(make("a\nb", None), Err(AccessError::Name)));
    assert!(matches!(make("a", Some(0)), Err(AccessError::Life)));
    assert!(matches!(make("a", Some(u64::MAX)), Err(AccessError::Life)));
}

#[test]
fn a_damaged_file_lets_nobody_in_and_is_set_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("access.json"), "{\"tokens\":").expect("written");
    let access = Access::open(folder.path()).expect("opened");
    assert_eq!(access.tokens(), []);
    assert!(folder.path().join("access.json.damaged").is_file());
}
