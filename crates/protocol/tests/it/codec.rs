//! The codec against its vectors.

use protocol::decode::{
    ContextCall, ContextVerb, Decoded, Frame, KernelCall, Raw, Rejected, decode, decode_kernel_call,
};
use protocol::door::{FromModule, LaneOffer, ToModule, TransportKind};
use protocol::encode::{self, Call};
use serde_json::{Map, Value, json};

use crate::vectors::{all, check, text};

#[test]
fn every_message_of_a_module_decodes_as_the_vectors_say() {
    check("codec-from-module.jsonl", |vector| match decode(text(vector, "line").as_bytes()) {
        Decoded::Frame(frame) => to_json(&frame),
        other => json!({ "refused": format!("{other:?}") }),
    });
}

#[test]
fn every_fault_of_a_module_has_the_text_that_the_vectors_say() {
    check("codec-invalid.jsonl", |vector| match decode(&line_bytes(vector)) {
        Decoded::Frame(frame) => json!({ "frame": to_json(&frame) }),
        Decoded::NotJson => json!({ "not_json": true }),
        Decoded::Invalid(rejected) => {
            json!({ "error": rejected.to_string(), "code": abi::Explain::code(&rejected) })
        }
    });
}

#[test]
fn every_message_to_a_module_is_written_as_the_vectors_say() {
    check("codec-to-module.jsonl", |vector| {
        let mut line = Vec::new();
        write(&mut line, &vector["input"]);
        let line = String::from_utf8(line).expect("a line is UTF-8");
        let line = line.strip_suffix('\n').expect("a line ends");
        assert!(!line.contains('\n'), "one message is one line: {line}");
        Value::from(line)
    });
}

#[test]
fn the_owned_types_read_and_write_the_same_messages() {
    for vector in all("codec-from-module.jsonl") {
        let frame: FromModule =
            serde_json::from_value(vector["expect"].clone()).expect("the owned type reads it");
        let again = serde_json::to_string(&frame).expect("the owned type writes it");
        let (Decoded::Frame(read), Decoded::Frame(before)) =
            (decode(again.as_bytes()), decode(text(&vector, "line").as_bytes()))
        else {
            panic!("{again} is a message");
        };
        // An absent manifest is written as `null`, which means the same.
        assert_eq!(to_json(&read), to_json(&before), "{}", vector["name"]);
    }
    for vector in all("codec-to-module.jsonl") {
        let line = text(&vector, "expect");
        let frame: ToModule = serde_json::from_str(line).expect("the owned type reads it");
        let again = serde_json::to_value(&frame).expect("the owned type writes it");
        let before: Value = serde_json::from_str(line).expect("a line is JSON");
        assert_eq!(again, before);
    }
}

#[test]
fn every_kernel_call_decodes_as_the_vectors_say() {
    check("kernel-calls.jsonl", |vector| {
        let line = json!({ "type": "call", "id": "1", "method": vector["method"] });
        let mut line = line.as_object().expect("an object").clone();
        if let Some(params) = vector.get("params") {
            line.insert("params".to_owned(), params.clone());
        }
        let line = Value::Object(line).to_string();
        match decode(line.as_bytes()) {
            Decoded::Frame(Frame::Call { method, params, .. }) => {
                kernel_call(&decode_kernel_call(&method, params))
            }
            other => panic!("{line} is {other:?}"),
        }
    });
}

#[test]
fn payloads_are_slices_of_the_line() {
    let line = br#"{"type":"publish","topic":"t","payload":{"a" : [1, 2]}}"#;
    let Decoded::Frame(Frame::Publish { payload, .. }) = decode(line) else { panic!("a publish") };
    let range = payload.range_in(line).expect("the payload lies in its line");
    assert_eq!(&line[range], br#"{"a" : [1, 2]}"#);
    assert_eq!(Raw::NULL.range_in(line), None);
}

#[test]
fn debug_of_a_frame_shows_no_payload() {
    let line = br#"{"type":"rpc_response","id":"1","result":{"password":"secret"}}"#;
    assert!(!format!("{:?}", decode(line)).contains("secret"));
    let owned: FromModule = serde_json::from_slice(line).expect("a message");
    assert!(!format!("{owned:?}").contains("secret"));
}

#[test]
fn an_unknown_type_is_shown_cut() {
    let line = format!(r#"{{"type":"{}"}}"#, "x".repeat(5000));
    let Decoded::Invalid(rejected) = decode(line.as_bytes()) else { panic!("invalid") };
    assert_eq!(rejected, Rejected::UnknownType(format!("{}…", "x".repeat(64))));
}

#[test]
fn a_log_group_keeps_as_many_items_as_its_limit() {
    for (count, kept) in [(1023, 1023), (1024, 1024), (1025, 1024)] {
        let items = vec![r#"{"msg":"m"}"#; count].join(",");
        let line = format!(r#"{{"type":"log-group","level":"info","msg":"m","items":[{items}]}}"#);
        let Decoded::Frame(Frame::LogGroup { items, .. }) = decode(line.as_bytes()) else {
            panic!("a log-group")
        };
        assert_eq!(items.len(), kept);
    }
}

/// `line`, or `hex` where the line is no text.
fn line_bytes(vector: &Map<String, Value>) -> Vec<u8> {
    if vector.contains_key("line") {
        return text(vector, "line").as_bytes().to_vec();
    }
    let hex = text(vector, "hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn raw(value: Option<Raw<'_>>) -> Option<Value> {
    value.map(|value| serde_json::from_str(value.as_str()).expect("a raw value is JSON"))
}

/// The frame in the shape of the door's own message, absent fields left out.
fn to_json(frame: &Frame<'_>) -> Value {
    let fields: Vec<(&str, Option<Value>)> = match frame {
        Frame::Ready { manifest, capabilities, transport } => {
            let transport = transport.map(|kind| json!(kind));
            vec![("manifest", raw(*manifest)), ("capabilities", raw(*capabilities)), ("transport", transport)]
        }
        Frame::Log { level, msg, data, topic } => vec![
            ("level", Some(json!(level))),
            ("msg", Some(json!(msg))),
            ("data", raw(*data)),
            ("topic", topic.as_ref().map(|topic| json!(topic))),
        ],
        Frame::LogGroup { level, msg, data, items } => {
            let items: Vec<Value> = items
                .iter()
                .map(|item| object([("msg", Some(json!(item.msg))), ("data", raw(item.data))]))
                .collect();
            vec![
                ("level", Some(json!(level))),
                ("msg", Some(json!(msg))),
                ("data", raw(*data)),
                ("items", Some(json!(items))),
            ]
        }
        Frame::Ack { id } | Frame::Cancel { id } | Frame::End { id } | Frame::StateRestored { id } => {
            vec![("id", Some(json!(id)))]
        }
        Frame::Nack { id, error } => vec![("id", Some(json!(id))), ("error", Some(json!(error)))],
        Frame::Publish { topic, payload, deadline_ms, traceparent } => vec![
            ("topic", Some(json!(topic))),
            ("payload", raw(Some(*payload))),
            ("deadline_ms", deadline_ms.map(|ms| json!(ms))),
            ("traceparent", traceparent.as_ref().map(|text| json!(text))),
        ],
        Frame::Call { id, method, params, deadline_ms, traceparent } => vec![
            ("id", Some(json!(id))),
            ("method", Some(json!(method))),
            ("params", raw(*params)),
            ("deadline_ms", deadline_ms.map(|ms| json!(ms))),
            ("traceparent", traceparent.as_ref().map(|text| json!(text))),
        ],
        Frame::CallResponse { id, result, error } | Frame::RpcResponse { id, result, error } => vec![
            ("id", Some(json!(id))),
            ("result", raw(*result)),
            ("error", error.as_ref().map(|error| json!(error))),
        ],
        Frame::Pong => Vec::new(),
        Frame::RpcRequest { id, service, method, params, deadline_ms, traceparent } => vec![
            ("id", Some(json!(id))),
            ("service", Some(json!(service))),
            ("method", Some(json!(method))),
            ("params", raw(*params)),
            ("deadline_ms", deadline_ms.map(|ms| json!(ms))),
            ("traceparent", traceparent.as_ref().map(|text| json!(text))),
        ],
        Frame::Progress { id, fraction, msg } => vec![
            ("id", Some(json!(id))),
            ("fraction", fraction.map(|fraction| json!(fraction))),
            ("msg", msg.as_ref().map(|msg| json!(msg))),
        ],
        Frame::Chunk { id, seq, data } => {
            vec![("id", Some(json!(id))), ("seq", Some(json!(seq))), ("data", raw(Some(*data)))]
        }
        Frame::Credit { id, n } => vec![("id", Some(json!(id))), ("n", Some(json!(n)))],
        Frame::StateSaved { id, state, version } => {
            vec![("id", Some(json!(id))), ("state", raw(Some(*state))), ("version", Some(json!(version)))]
        }
    };
    object(std::iter::once(("type", Some(json!(frame.word())))).chain(fields))
}

fn object<'f>(fields: impl IntoIterator<Item = (&'f str, Option<Value>)>) -> Value {
    let present = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(present.collect())
}

fn kernel_call(call: &KernelCall<'_>) -> Value {
    let permissions = |permissions: &abi::Permissions| -> Value {
        let kinds = abi::PermissionKind::ALL.into_iter().filter(|kind| !permissions.of(*kind).is_empty());
        kinds
            .map(|kind| (kind.as_str().to_owned(), json!(permissions.of(kind))))
            .collect::<Map<_, _>>()
            .into()
    };
    match call {
        KernelCall::ConfigGet { key } => json!({ "call": "config.get", "key": key }),
        KernelCall::ConfigSet { key, value } => {
            json!({ "call": "config.set", "key": key, "value": raw(Some(*value)) })
        }
        KernelCall::ConfigSections => json!({ "call": "config.sections" }),
        KernelCall::ModuleList => json!({ "call": "module.list" }),
        KernelCall::ModuleCommands => json!({ "call": "module.commands" }),
        KernelCall::ServiceDiscover => json!({ "call": "service.discover" }),
        KernelCall::ServiceResolve { service } => json!({ "call": "service.resolve", "service": service }),
        KernelCall::PermissionsCheck { permissions: wanted } => {
            json!({ "call": "permissions.check", "permissions": permissions(wanted) })
        }
        KernelCall::PermissionsRequest { permissions: wanted, reason } => object([
            ("call", Some(json!("permissions.request"))),
            ("permissions", Some(permissions(wanted))),
            ("reason", reason.as_ref().map(|reason| json!(reason))),
        ]),
        KernelCall::PermissionsPending => json!({ "call": "permissions.pending" }),
        KernelCall::MonitorSnapshot => json!({ "call": "monitor.snapshot" }),
        KernelCall::SecretGet { name } => json!({ "call": "secret.get", "name": name }),
        KernelCall::Context(call) => context_call(call),
        KernelCall::FunctionRun { name, input, timeout_ms } => object([
            ("call", Some(json!("fn.run"))),
            ("name", Some(json!(name))),
            ("input", raw(*input)),
            ("timeoutMs", timeout_ms.map(|timeout| json!(timeout))),
        ]),
        KernelCall::FunctionList => json!({ "call": "fn.list" }),
        KernelCall::FunctionPut { name, source, permissions: wanted } => {
            json!({ "call": "fn.put", "name": name, "source": source, "permissions": permissions(wanted) })
        }
        KernelCall::FunctionRemove { name } => json!({ "call": "fn.rm", "name": name }),
        KernelCall::Unknown(method) => json!({ "unknown": method }),
        KernelCall::Bad { method, message } => json!({ "bad": method, "error": message }),
    }
}

fn context_call(call: &ContextCall<'_>) -> Value {
    let scope = call.scope.as_ref().map(|scope| json!(scope.to_string()));
    let many = |method: &str, pattern: &Option<abi::Pattern>| {
        let pattern = pattern.as_ref().map(|pattern| json!(pattern.to_string()));
        object([("call", Some(json!(method))), ("in", scope.clone()), ("key", pattern)])
    };
    let one = |method: &str, key: &str| {
        object([("call", Some(json!(method))), ("in", scope.clone()), ("key", Some(json!(key)))])
    };
    match &call.verb {
        ContextVerb::Get { key } => one("context.get", key),
        ContextVerb::Delete { key } => one("context.delete", key),
        ContextVerb::Set { key, value, ttl_ms } => {
            let mut set = one("context.set", key);
            set["value"] = serde_json::from_str(value.as_str()).expect("it was JSON");
            if let Some(ttl_ms) = ttl_ms {
                set["ttl_ms"] = json!(ttl_ms);
            }
            set
        }
        ContextVerb::List { pattern } => many("context.list", pattern),
        ContextVerb::Watch { pattern } => many("context.watch", pattern),
        ContextVerb::Unwatch { watch } => json!({ "call": "context.unwatch", "watch": watch }),
    }
}

/// Writes a message given in the door's own shape. A field under `raw` gives the JSON text of a payload as it is.
fn write(out: &mut Vec<u8>, input: &Value) {
    let word = |field: &str| input[field].as_str().unwrap_or_else(|| panic!("{input} lacks `{field}`"));
    let json_text = |field: &str| match input["raw"].get(field) {
        Some(text) => Some(text.as_str().expect("`raw` holds texts").to_owned()),
        None => input.get(field).map(Value::to_string),
    };
    let need = |field: &str| json_text(field).unwrap_or_else(|| panic!("{input} lacks `{field}`"));
    let number = |field: &str| input[field].as_u64();
    let answer = json_text("result");
    let answer = match input["error"].as_str() {
        Some(error) => Err(error),
        None => Ok(answer.as_deref().map(str::as_bytes)),
    };
    let params = json_text("params");
    let call = || Call {
        id: word("id"),
        method: word("method"),
        params: params.as_deref().map(str::as_bytes),
        deadline_ms: number("deadline_ms"),
        traceparent: input["traceparent"].as_str(),
    };
    match word("type") {
        "install" => encode::install(out),
        "init" if input.get("transport").is_some() => encode::init_with_lane(
            out,
            word("protocolVersion"),
            need("config").as_bytes(),
            word("workspacePath"),
            word("projectRoot"),
            serde_json::from_value::<LaneOffer>(input["transport"].clone()).expect("an offer"),
        ),
        "transport" => encode::transport(out, TransportKind::Shm),
        "init" => encode::init(
            out,
            word("protocolVersion"),
            need("config").as_bytes(),
            word("workspacePath"),
            word("projectRoot"),
        ),
        "deps_ready" => encode::deps_ready(out),
        "service_available" => encode::service_available(out, word("service")),
        "ping" => encode::ping(out),
        "deliver" => {
            let id = u128::from_str_radix(&word("id").replace('-', ""), 16).expect("a uuid");
            let traceparent = input["traceparent"].as_str();
            encode::deliver(out, id, word("topic"), need("payload").as_bytes(), traceparent);
        }
        "config:update" => {
            let changed = input["changedSections"].as_array().expect("a list");
            let changed: Vec<&str> = changed.iter().filter_map(Value::as_str).collect();
            encode::config_update(out, need("config").as_bytes(), &changed);
        }
        "call" => encode::call(out, &call()),
        "call:response" => encode::call_response(out, word("id"), answer),
        "rpc_request" => encode::rpc_request(out, word("from"), word("service"), &call()),
        "rpc_response" => encode::rpc_response(out, word("id"), answer),
        "shutdown" => encode::shutdown(out),
        "cancel" => encode::cancel(out, word("id")),
        "progress" => encode::progress(out, word("id"), input["fraction"].as_f64(), input["msg"].as_str()),
        "chunk" => {
            encode::chunk(out, word("id"), number("seq").expect("a number"), need("data").as_bytes());
        }
        "end" => encode::end(out, word("id")),
        "credit" => encode::credit(out, word("id"), number("n").expect("a number")),
        "state:save" => encode::state_save(out, word("id")),
        "state:restore" => encode::state_restore(out, word("id"), need("state").as_bytes(), word("version")),
        other => panic!("no function writes `{other}`"),
    }
}
