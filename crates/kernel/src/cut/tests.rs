//! Cuts: who is asked, that nothing said after a state goes anywhere before the cut is over, and that every cut ends.

use expect_test::expect;

use std::format;
use std::string::String;

use abi::limits::QUEUE_FRAMES_MAX_DEFAULT;

use crate::testing::{check, heard};

/// Two modules with state that call each other, and one without that hears both.
const HOUSE: &str = "module a state may=b provides=a
     module b state may=a provides=b
     module c hears=news provides=c
     discover
     up a b c
     quiet\n";

fn house(script: &str) -> String {
    format!("{HOUSE}{script}")
}

#[test]
fn what_is_said_after_a_state_goes_on_when_the_last_state_is_there() {
    check(
        &house(
            "a says call 1 b go {}
             order 1 cut
             b says saved 4 {\"n\":2} v2
             b says answer 1 2
             b says call 9 a go
             a says saved 4 {\"n\":1} v1",
        ),
        expect![[r#"
            > a says call 1 b go {}
              b#2 <- rpc_request hop-1 from=a b.go {}
            > order 1 cut
              journal snapshot.begun modules=2
              a#1 <- state:save 4
              b#2 <- state:save 4
            > b says saved 4 {"n":2} v2
            > b says answer 1 2
            > b says call 9 a go
            > a says saved 4 {"n":1} v1
              journal snapshot.cut modules=2 without=0 pause_ms=0
              a#1 <- rpc_response 1 result 2
              a#1 <- rpc_request hop-1 from=b a.go
              reply 1 cut within 0 a#1={"n":1} v1 b#2={"n":2} v2
        "#]],
    );
}

#[test]
fn who_refuses_ends_or_says_nothing_in_time_is_left_out_by_name() {
    let cut = |script: &str| {
        heard(&house(&format!("order 1 cut\n a says saved 4 1 v\n {script}")), &["reply 1"]).join("")
    };
    assert_eq!(cut("b says nack 4 not now"), "reply 1 cut within 0 a#1=1 v b#2 \"not now\"");
    assert_eq!(cut("exit b 1"), "reply 1 cut within 0 a#1=1 v b#2 \"it ended meanwhile\"");
    assert_eq!(cut("order 2 stop b"), "reply 1 cut within 0 a#1=1 v b#2 \"it ended meanwhile\"");
    assert_eq!(cut("wait 2000"), "reply 1 cut within 2000 a#1=1 v b#2 \"it gave none in time\"");
    assert_eq!(cut("wait 1999"), "");
}

#[test]
fn an_answer_to_another_question_is_none_to_this_one() {
    let cut =
        |script: &str| heard(&house(&format!("order 1 cut\n {script}")), &["reply 1", "keep-state"]).len();
    assert_eq!(cut("a says saved 1 {} v\n b says saved 2 {} v\n a says saved 3 {} v"), 0);
    // One that is late is nobody's state, also not that of a life that ends.
    let late = "wait 2000\n quiet\n order 2 stop a\n a says saved 4 {} v";
    assert_eq!(cut(late), 0);
}

#[test]
fn a_muted_module_that_says_too_much_ends_the_cut_and_all_of_it_is_heard() {
    let said = "a says publish news {}\n".repeat(QUEUE_FRAMES_MAX_DEFAULT + 1);
    let script = house(&format!(
        "module a state may=b provides=a speaks=news,b\n discover\n order 1 cut\n a says saved 4 {{}} v\n {said}"
    ));
    let told = heard(&script, &["deliver", "reply 1", "snapshot.failed"]);
    assert_eq!(told.iter().filter(|line| line.contains("deliver")).count(), QUEUE_FRAMES_MAX_DEFAULT + 1);
    assert!(told.iter().any(|line| line.starts_with("reply 1 failed Failed: `a` said more")), "{told:?}");
    let less = house("order 1 cut\n a says saved 4 {} v\n a says pong\n b says saved 4 {} v");
    assert_eq!(heard(&less, &["reply 1 cut"]).len(), 1);
}

#[test]
fn what_a_module_said_before_its_end_counts() {
    let script =
        house("b says call 1 a go\n order 1 cut\n a says saved 4 {} v\n a says answer 1 7\n exit a 0");
    assert_eq!(heard(&script, &["b#2 <- rpc_response"]), ["b#2 <- rpc_response 1 result 7"]);
}

#[test]
fn one_cut_at_a_time_and_none_at_the_end() {
    let told = |script: &str| heard(&house(script), &["reply 2"]).join("");
    assert!(told("order 1 cut\n order 2 cut").contains("another snapshot"));
    assert!(told("order 1 shutdown\n order 2 cut").contains("ShuttingDown"));
    let nobody = "module c\n discover\n up c\n order 2 cut";
    assert_eq!(heard(nobody, &["reply 2"]), ["reply 2 cut within 0"]);
}
