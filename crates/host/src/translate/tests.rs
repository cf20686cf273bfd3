//! Each frame and each result in its wire form.

use std::sync::Arc;

use abi::{ModuleId, Payload, Permissions};
use kernel::{
    CallContext, Incoming, KernelCall, KernelResult, Message, Notice, Outcome, Outgoing, PendingRequest, Word,
};

use super::values::answer_json;
use super::*;

fn id(text: &str) -> Word {
    Word::parse(text).expect("a name")
}

fn heard(line: &[u8]) -> Heard {
    hear(line, &Arc::from(Vec::new()))
}

fn told(frame: &Outgoing) -> String {
    let mut out = Vec::new();
    let initial =
        || Initial { config: br#"{"web":{"port":1}}"#.to_vec(), home: "/home".to_owned(), lane: None };
    tell(&mut out, frame, initial);
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn a_call_keeps_its_parameters_byte_for_byte() {
    let heard =
        heard(br#"{"type":"rpc_request","id":"7","service":"sum","method":"add","params":{"a": 1e2}}"#);
    let Heard::Incoming(Incoming::Call { id: own, params: Some(params), context, .. }) = heard else {
        panic!("no call: {heard:?}")
    };
    assert_eq!(own.as_str(), "7");
    assert_eq!(params.as_bytes(), br#"{"a": 1e2}"#);
    assert_eq!(context, CallContext::default());
}

#[test]
fn an_error_counts_more_than_a_result() {
    let heard = heard(br#"{"type":"rpc_response","id":"9","result":1,"error":"no"}"#);
    let Heard::Incoming(Incoming::Answer { outcome, .. }) = heard else { panic!("no answer: {heard:?}") };
    assert_eq!(outcome, Outcome::Error("no".to_owned()));
}

#[test]
fn a_print_is_a_print_and_a_bad_frame_tells_why() {
    assert!(matches!(heard(b"hello"), Heard::Printed));
    let Heard::Refused(why) = heard(br#"{"type":"publish"}"#) else { panic!("it must be refused") };
    assert_eq!(why, "publish: topic is missing");
}

#[test]
fn a_log_group_is_a_heading_with_its_items_below() {
    let heard =
        heard(br#"{"type":"log-group","level":"warn","msg":"all","items":[{"msg":"one"},{"msg":"two"}]}"#);
    let Heard::Said(lines) = heard else { panic!("no log: {heard:?}") };
    let texts: Vec<&str> = lines.iter().map(|line| line.msg.as_str()).collect();
    assert_eq!(texts, ["all", "  one", "  two"]);
}

#[test]
fn a_kernel_call_that_can_not_be_read_says_what_is_wrong() {
    let heard = heard(br#"{"type":"call","id":"1","method":"config.get","params":{}}"#);
    let Heard::Incoming(Incoming::KernelCall { call: KernelCall::Bad(why), .. }) = heard else {
        panic!("no bad call: {heard:?}")
    };
    assert!(why.starts_with("config.get: "), "{why}");
}

#[test]
fn progress_goes_through_the_kernel_and_comes_out_the_same() {
    let heard = heard(br#"{"type":"progress","id":"3","fraction":0.5,"msg":"half"}"#);
    let Heard::Incoming(Incoming::Progress { payload, .. }) = heard else { panic!("no progress: {heard:?}") };
    let line = told(&Outgoing::Progress { id: id("mine"), hop: 3, payload });
    assert_eq!(line, "{\"type\":\"progress\",\"id\":\"mine\",\"fraction\":0.5,\"msg\":\"half\"}\n");
}

#[test]
fn a_call_goes_out_under_the_hops_number() {
    let frame = Outgoing::Call {
        hop: 42,
        from: id("web"),
        service: id("sum"),
        method: id("add"),
        params: Some(Payload::new(b"[1,2]")),
        context: CallContext::default(),
    };
    let line = told(&frame);
    assert_eq!(
        line,
        "{\"type\":\"rpc_request\",\"id\":\"42\",\"from\":\"web\",\"service\":\"sum\",\"method\":\"add\",\"params\":[1,2]}\n"
    );
}

#[test]
fn init_carries_the_modules_own_section_and_the_home_twice() {
    assert_eq!(
        told(&Outgoing::Init),
        "{\"type\":\"init\",\"protocolVersion\":\"1.0\",\"config\":{\"web\":{\"port\":1}},\"workspacePath\":\"/home\",\"projectRoot\":\"/home\"}\n"
    );
}

#[test]
fn a_crash_notice_tells_a_signal_as_a_shell_would() {
    let module = ModuleId::parse("web").expect("a name");
    let notice = Notice::Crashed { module, exit: Some(abi::ExitKind::Signal(9)), restart_count: 2 };
    let message = Message::Notice(notice);
    let text = String::from_utf8(message_json(&message).into_owned()).expect("UTF-8");
    assert_eq!(text, r#"{"moduleId":"web","exitCode":137,"restartCount":2}"#);
}

#[test]
fn pending_wishes_are_listed_under_their_module() {
    let mut permissions = Permissions::default();
    permissions.net.insert("api:443".to_owned());
    let request = PendingRequest { id: 5, permissions, reason: None };
    let module = ModuleId::parse("web").expect("a name");
    let json = answer_json(&KernelResult::PendingList(module, vec![request]));
    assert_eq!(
        String::from_utf8(json).expect("UTF-8"),
        r#"{"web":[{"permissions":{"net":["api:443"]},"id":"00000000-0000-0000-0000-000000000005"}]}"#
    );
}
