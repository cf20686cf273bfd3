//! Variables, their ends and their room; who may read and change them, and who is told.

use expect_test::expect;
use proptest::prelude::*;

use core::time::Duration;
use std::collections::BTreeMap;
use std::format;
use std::vec;
use std::vec::Vec;

use abi::{ModuleId, Pattern, Payload, Scope, Time};

use super::{
    CONTEXT_BYTES_MAX, CONTEXT_OWNER_BYTES_MAX, CONTEXT_VALUE_BYTES_MAX, Context, Kept, SESSION_TTL_DEFAULT,
    TTL_MAX, Unkept, VARIABLE_BYTES,
};
use crate::testing::check;
use crate::word::Word;

/// Two ready modules; `b` may use the session `chat` and read what is a's own.
const TWO: &str = "module a
     module b base=context:session:chat,context:module:a
     discover
     up a b
     quiet\n";

fn two(script: &str) -> std::string::String {
    format!("settings enforcement=warn\n{TWO}{script}")
}

fn module(text: &str) -> ModuleId {
    ModuleId::parse(text).expect("a name")
}

fn own(text: &str) -> Scope {
    Scope::Module(module(text))
}

fn word(text: &str) -> Word {
    Word::parse(text).expect("a word")
}

fn bytes(count: usize) -> Payload {
    Payload::new(&vec![b'1'; count])
}

#[test]
fn a_module_keeps_reads_lists_and_deletes_its_own() {
    check(
        &two("a says kernel 1 context.set step 3
              a says kernel 2 context.set step.next 4 5000
              a says kernel 3 context.get step.next
              wait 1000
              a says kernel 4 context.list
              a says kernel 5 context.list step.*
              a says kernel 6 context.delete step
              a says kernel 7 context.get step
              a says kernel 8 context.delete step"),
        expect![[r#"
            > a says kernel 1 context.set step 3
              a#1 <- call:response 1 version 1
            > a says kernel 2 context.set step.next 4 5000
              a#1 <- call:response 2 version 2
            > a says kernel 3 context.get step.next
              a#1 <- call:response 3 4 {step.next bytes=1 v2 ttl=5000}
            > wait 1000
            > a says kernel 4 context.list
              at 1.000s
              a#1 <- call:response 4 variables {step bytes=1 v1} {step.next bytes=1 v2 ttl=4000}
            > a says kernel 5 context.list step.*
              a#1 <- call:response 5 variables {step.next bytes=1 v2 ttl=4000}
            > a says kernel 6 context.delete step
              a#1 <- call:response 6 deleted true
            > a says kernel 7 context.get step
              a#1 <- call:response 7 no variable
            > a says kernel 8 context.delete step
              a#1 <- call:response 8 deleted false
        "#]],
    );
}

#[test]
fn a_variable_is_gone_at_its_end_and_not_before() {
    check(
        &two("a says kernel 1 context.set brief 1 500
              wait 499
              a says kernel 2 context.get brief
              wait 1
              a says kernel 3 context.get brief
              a says kernel 4 context.list"),
        expect![[r#"
            > a says kernel 1 context.set brief 1 500
              a#1 <- call:response 1 version 1
            > wait 499
            > a says kernel 2 context.get brief
              at 0.499s
              a#1 <- call:response 2 1 {brief bytes=1 v1 ttl=1}
            > wait 1
            > a says kernel 3 context.get brief
              at 0.500s
              a#1 <- call:response 3 no variable
            > a says kernel 4 context.list
              a#1 <- call:response 4 variables 
        "#]],
    );
}

#[test]
fn a_session_is_shared_by_those_who_have_it_and_closed_to_others() {
    check(
        &two("b says kernel 1 context.set topic 5 in=session:chat
              b says kernel 2 context.get topic in=session:chat
              a says kernel 3 context.get topic in=session:chat
              a says kernel 4 context.set topic 6 in=session:chat
              b says kernel 5 context.get topic in=session:other"),
        expect![[r#"
            > b says kernel 1 context.set topic 5 in=session:chat
              b#2 <- call:response 1 version 1
            > b says kernel 2 context.get topic in=session:chat
              b#2 <- call:response 2 5 {topic bytes=1 v1 ttl=86400000}
            > a says kernel 3 context.get topic in=session:chat
              journal context.forbidden a#1 scope="session:chat" verb="read" enforcement="warn"
              a#1 <- call:response 3 error: Security violation: not permitted to read context "session:chat"
              warn a#1 refused: read context `session:chat`
            > a says kernel 4 context.set topic 6 in=session:chat
              journal context.forbidden a#1 scope="session:chat" verb="write" enforcement="warn"
              a#1 <- call:response 4 error: Security violation: not permitted to write context "session:chat"
              warn a#1 refused: write context `session:chat`
            > b says kernel 5 context.get topic in=session:other
              journal context.forbidden b#2 scope="session:other" verb="read" enforcement="warn"
              b#2 <- call:response 5 error: Security violation: not permitted to read context "session:other"
              warn b#2 refused: read context `session:other`
        "#]],
    );
}

#[test]
fn what_is_another_module_s_own_is_read_by_right_and_never_changed() {
    check(
        &two("a says kernel 1 context.set mood 7
              b says kernel 2 context.get mood in=module:a
              b says kernel 3 context.set mood 8 in=module:a
              b says kernel 4 context.delete mood in=module:a
              a says kernel 5 context.get mood in=module:b"),
        expect![[r#"
            > a says kernel 1 context.set mood 7
              a#1 <- call:response 1 version 1
            > b says kernel 2 context.get mood in=module:a
              b#2 <- call:response 2 7 {mood bytes=1 v1}
            > b says kernel 3 context.set mood 8 in=module:a
              journal context.forbidden b#2 scope="module:a" verb="write" enforcement="warn"
              b#2 <- call:response 3 error: Security violation: not permitted to write context "module:a"
              warn b#2 refused: write context `module:a`
            > b says kernel 4 context.delete mood in=module:a
              journal context.forbidden b#2 scope="module:a" verb="write" enforcement="warn"
              b#2 <- call:response 4 error: Security violation: not permitted to write context "module:a"
              warn b#2 refused: write context `module:a`
            > a says kernel 5 context.get mood in=module:b
              journal context.forbidden a#1 scope="module:b" verb="read" enforcement="warn"
              a#1 <- call:response 5 error: Security violation: not permitted to read context "module:b"
              warn a#1 refused: read context `module:b`
        "#]],
    );
}

#[test]
fn watchers_are_told_of_changes_and_ends_but_not_of_their_own() {
    check(
        &two("b says kernel 1 context.watch in=module:a
              b says kernel 2 context.watch step.* in=session:chat
              a says kernel 3 context.set mood 1 300
              b says kernel 4 context.set step.a 2 in=session:chat
              order 1 context session:chat set step.b 3
              order 2 context session:chat set other 4
              wait 300
              b says kernel 5 context.unwatch 1
              a says kernel 6 context.set mood 2
              order 3 context session:chat delete step.b
              order 4 context session:chat delete step.b"),
        expect![[r#"
            > b says kernel 1 context.watch in=module:a
              b#2 <- call:response 1 watching 1
            > b says kernel 2 context.watch step.* in=session:chat
              b#2 <- call:response 2 watching 2
            > a says kernel 3 context.set mood 1 300
              b#2 <- deliver kernel.context {watch-1 module:a mood = 1 v1}
              a#1 <- call:response 3 version 1
            > b says kernel 4 context.set step.a 2 in=session:chat
              b#2 <- call:response 4 version 2
            > order 1 context session:chat set step.b 3
              journal context.set scope="session:chat" key="step.b" bytes=1
              b#2 <- deliver kernel.context {watch-2 session:chat step.b = 3 v3}
              reply 1 done
            > order 2 context session:chat set other 4
              journal context.set scope="session:chat" key="other" bytes=1
              reply 2 done
            > wait 300
              at 0.300s
              b#2 <- deliver kernel.context {watch-1 module:a mood expired}
            > b says kernel 5 context.unwatch 1
              b#2 <- call:response 5 deleted true
            > a says kernel 6 context.set mood 2
              a#1 <- call:response 6 version 6
            > order 3 context session:chat delete step.b
              journal context.deleted scope="session:chat" key="step.b"
              b#2 <- deliver kernel.context {watch-2 session:chat step.b deleted}
              reply 3 done
            > order 4 context session:chat delete step.b
              reply 4 failed NotFound: session:chat has no variable `step.b`
        "#]],
    );
}

#[test]
fn whoever_loses_the_right_is_told_no_more_and_lives_on() {
    check(
        &two("b says kernel 1 context.watch in=module:a
              grants b base=context:session:chat
              quiet
              a says kernel 2 context.set mood 1"),
        expect![[r#"
            > a says kernel 2 context.set mood 1
              a#1 <- call:response 2 version 1
        "#]],
    );
}

#[test]
fn a_secret_goes_to_who_was_granted_it_and_every_time_is_journaled() {
    check(
        "settings enforcement=warn
         module a base=secrets:db.password
         discover
         up a
         quiet
         a says kernel 1 secret.get db.password
         a says kernel 2 secret.get db.passwords
         grants a base=net:one
         up a
         quiet
         a says kernel 3 secret.get db.password",
        expect![[r#"
            > a says kernel 3 secret.get db.password
              journal secret.forbidden a#1 secret="db.password" enforcement="warn"
              a#1 <- call:response 3 error: Security violation: not permitted to read secret "db.password"
              warn a#1 refused: read secret `db.password`
        "#]],
    );
}

#[test]
fn a_flood_of_secrets_is_answered_overloaded_and_not_journaled() {
    let mut script = std::string::String::from("module a base=secrets:x\ndiscover\nup a\nquiet\n");
    for number in 0..40 {
        script += &format!("a says kernel {number} secret.get x\n");
    }
    let told = |what: &str| crate::testing::heard(&script, &[what]).len();
    assert_eq!(told("journal secret.handed_over"), 32);
    assert_eq!(told("perform"), 32);
    assert_eq!(told("a#1 <- call:response"), 8);
}

#[test]
fn a_restored_variable_lives_on_for_what_it_had_left() {
    let mut context = Context::default();
    let session = Scope::parse("session:chat").expect("a scope");
    let kept = |ttl| Kept { value: bytes(1), ttl, owner: Some(module("a")) };
    let all = vec![
        (session.clone(), word("brief"), kept(Some(Duration::from_millis(10)))),
        (session.clone(), word("endless"), kept(None)),
        (own("a"), word("huge"), Kept { value: bytes(CONTEXT_VALUE_BYTES_MAX + 1), ttl: None, owner: None }),
    ];
    assert_eq!(context.restore(Time(100), all), 2);
    assert_eq!(context.next_end(), Some(Time(110)));
    assert_eq!(context.expire(Time(109)), []);
    assert_eq!(context.expire(Time(110)), [(session.clone(), word("brief"))]);
    assert_eq!(context.variables(Time(110)).count(), 1);
    assert_eq!(context.get(Time(u64::MAX), &session, &word("endless")).and_then(|one| one.until), None);
}

#[test]
fn a_session_s_variables_end_by_themselves() {
    let mut context = Context::default();
    let session = Scope::parse("session:chat").expect("a scope");
    context.set(Time(5), None, (&session, &word("k")), bytes(1), None).expect("there is room");
    assert_eq!(context.next_end(), Some(Time(5) + SESSION_TTL_DEFAULT));
    context.set(Time(5), None, (&own("a"), &word("k")), bytes(1), None).expect("there is room");
    assert_eq!(context.get(Time(5), &own("a"), &word("k")).and_then(|one| one.until), None);
}

#[test]
fn values_and_ends_are_taken_up_to_their_limits() {
    let mut context = Context::default();
    let mut set =
        |count, ttl| context.set(Time(0), None, (&own("a"), &word("k")), bytes(count), ttl).map(|_| ());
    assert_eq!(set(CONTEXT_VALUE_BYTES_MAX, None), Ok(()));
    let found = CONTEXT_VALUE_BYTES_MAX + 1;
    assert_eq!(set(found, None), Err(Unkept::Value { found }));
    assert_eq!(set(1, Some(TTL_MAX)), Ok(()));
    assert_eq!(set(1, Some(TTL_MAX + Duration::from_millis(1))), Err(Unkept::Ttl));
    assert_eq!(set(1, Some(Duration::ZERO)), Err(Unkept::Ttl));
}

#[test]
fn one_module_fills_its_own_room_and_not_the_others() {
    let mut context = Context::default();
    let a = module("a");
    let mut refused = None;
    for number in 0..10_000 {
        let key = word(&format!("k{number}"));
        let session = Scope::parse(&format!("session:s{number}")).expect("a scope");
        if let Err(why) = context.set(Time(0), Some(&a), (&session, &key), bytes(1000), None) {
            refused = Some(why);
            break;
        }
    }
    assert_eq!(refused, Some(Unkept::OwnerFull));
    assert!(context.bytes() <= CONTEXT_OWNER_BYTES_MAX);
    let other = context.set(Time(0), Some(&module("b")), (&own("b"), &word("k")), bytes(1000), None);
    assert!(other.is_ok());
}

#[test]
fn all_together_stay_below_their_bound() {
    let mut context = Context::default();
    let mut refused = None;
    for number in 0..=CONTEXT_BYTES_MAX / CONTEXT_VALUE_BYTES_MAX {
        let key = word(&format!("k{number}"));
        if let Err(why) = context.set(Time(0), None, (&own("a"), &key), bytes(CONTEXT_VALUE_BYTES_MAX), None)
        {
            refused = Some(why);
        }
    }
    assert_eq!(refused, Some(Unkept::Full));
    assert!(context.bytes() <= CONTEXT_BYTES_MAX);
    // What is there can still be made smaller.
    assert!(context.set(Time(0), None, (&own("a"), &word("k0")), bytes(1), None).is_ok());
}

/// What a variable is to the naive model: its value's length, its end, its owner.
type Naive = BTreeMap<(usize, usize), (usize, Option<u64>, Option<usize>)>;

#[derive(Debug, Clone)]
enum Step {
    Set(usize, usize, usize, Option<u64>, Option<usize>),
    Delete(usize, usize),
    Wait(u64),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let set =
        (0..3_usize, 0..4_usize, 0..200_usize, prop::option::of(1..50_u64), prop::option::of(0..2_usize));
    prop_oneof![
        4 => set.prop_map(|(scope, key, count, ttl, owner)| Step::Set(scope, key, count, ttl, owner)),
        2 => (0..3_usize, 0..4_usize).prop_map(|(scope, key)| Step::Delete(scope, key)),
        2 => (0..30_u64).prop_map(Step::Wait),
        1 => (0..3_usize).prop_map(Step::Drop),
    ]
}

proptest! {
    #[test]
    fn random_changes_leave_what_a_naive_model_leaves(steps in prop::collection::vec(step(), 0..80)) {
        let (scopes, owners) = ([own("a"), own("b"), own("c")], [module("a"), module("b")]);
        let keys: Vec<Word> = ["k.a", "k.b", "l", "m"].into_iter().map(word).collect();
        let (mut context, mut naive, mut now) = (Context::default(), Naive::new(), 0_u64);
        for step in steps {
            match step {
                Step::Set(scope, key, count, ttl, owner) => {
                    let place = (&scopes[scope], &keys[key]);
                    let owned_by = owner.map(|owner| &owners[owner]);
                    let ttl_of = ttl.map(Duration::from_millis);
                    prop_assert!(context.set(Time(now), owned_by, place, bytes(count), ttl_of).is_ok());
                    naive.insert((scope, key), (count, ttl.map(|ttl| now + ttl), owner));
                }
                Step::Delete(scope, key) => {
                    let was_there = context.delete(Time(now), &scopes[scope], &keys[key]);
                    prop_assert_eq!(was_there, naive.remove(&(scope, key)).is_some());
                }
                Step::Wait(wait) => {
                    now += wait;
                    let before = naive.len();
                    naive.retain(|_, (_, until, _)| until.is_none_or(|until| now < until));
                    prop_assert_eq!(context.expire(Time(now)).len(), before - naive.len());
                }
                Step::Drop(scope) => {
                    context.drop_scope(&scopes[scope]);
                    naive.retain(|(at, _), _| *at != scope);
                }
            }
            let size = |(_, key): &(usize, usize), count: usize| VARIABLE_BYTES + keys[*key].as_str().len() + count;
            let bytes: usize = naive.iter().map(|(place, (count, _, _))| size(place, *count)).sum();
            prop_assert_eq!(context.bytes(), bytes);
            prop_assert_eq!(context.owners.values().sum::<usize>(), bytes);
            prop_assert_eq!(context.variables(Time(now)).count(), naive.len());
            prop_assert_eq!(context.next_end().map(|at| at.0), naive.values().filter_map(|(_, until, _)| *until).min());
            let under = Pattern::parse("k.*").expect("a pattern");
            let listed = context.list(Time(now), &scopes[0], Some(&under)).count();
            prop_assert_eq!(listed, naive.keys().filter(|(scope, key)| *scope == 0 && *key < 2).count());
        }
    }
}
