//! Properties that hold for any input.

use proptest::prelude::*;
use protocol::decode::{Decoded, Frame, Raw, decode, decode_kernel_call};
use protocol::door::{FromModule, LogItem, LogLevel, Opaque, ToModule, TransportKind};
use protocol::encode::{self, Call};
use protocol::lines::{Line, LineDecoder};
use serde_json::Value;

/// What a stream means, read at once: the naive twin of the decoder.
fn whole(stream: &[u8], line_bytes_max: usize) -> Vec<Result<Vec<u8>, u64>> {
    let mut lines = Vec::new();
    for line in stream.split(|byte| *byte == b'\n') {
        if line.len() > line_bytes_max {
            lines.push(Err(line.len() as u64));
        } else if !line.trim_ascii().is_empty() {
            lines.push(Ok(line.trim_ascii().to_vec()));
        }
    }
    lines
}

fn pieces(stream: &[u8], cuts: &[usize], line_bytes_max: usize) -> Vec<Result<Vec<u8>, u64>> {
    let mut decoder = LineDecoder::new(line_bytes_max);
    let mut lines = Vec::new();
    let mut note = |line: Line<'_>| match line {
        Line::Complete(line) => lines.push(Ok(line.to_vec())),
        Line::Oversize { bytes } => lines.push(Err(bytes)),
    };
    let mut cuts: Vec<usize> =
        cuts.iter().map(|cut| cut % (stream.len() + 1)).chain([0, stream.len()]).collect();
    cuts.sort_unstable();
    for pair in cuts.windows(2) {
        let mut rest = &stream[pair[0]..pair[1]];
        while let Some(line) = decoder.next_line(&mut rest) {
            note(line);
        }
        assert!(decoder.buffered_bytes() <= line_bytes_max);
    }
    if let Some(line) = decoder.finish() {
        note(line);
    }
    lines
}

/// Bytes that have many line ends, so that short streams have many lines. ASCII, as the twin trims only that.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => Just(b'\n'), 1 => Just(b'\r'), 2 => Just(b' '), 10 => b'a'..=b'f'];
    prop::collection::vec(byte, 0..200)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\n\\r\\t\"\\\\ a]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,6}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn opaque() -> impl Strategy<Value = Opaque> {
    json().prop_map(Opaque)
}

fn name() -> impl Strategy<Value = String> {
    "[\\PC\\n\"\\\\]{0,40}"
}

prop_compose! {
    fn call_parts()(id in name(), method in name(), params in prop::option::of(opaque()),
        deadline_ms in prop::option::of(any::<u64>())) -> (String, String, Option<Opaque>, Option<u64>) {
        (id, method, params, deadline_ms)
    }
}

fn from_module() -> impl Strategy<Value = FromModule> {
    let level = prop::sample::select(LogLevel::ALL.to_vec());
    let item = (name(), prop::option::of(not_null())).prop_map(|(msg, data)| LogItem { msg, data });
    prop_oneof![
        (opaque(), prop::option::of(not_null()), prop::option::of(Just(TransportKind::Shm))).prop_map(
            |(manifest, capabilities, transport)| FromModule::Ready { manifest, capabilities, transport }
        ),
        (level.clone(), name(), prop::option::of(not_null()), prop::option::of(name()))
            .prop_map(|(level, msg, data, topic)| FromModule::Log { level, msg, data, topic }),
        (level, name(), prop::option::of(not_null()), prop::collection::vec(item, 0..4))
            .prop_map(|(level, msg, data, items)| FromModule::LogGroup { level, msg, data, items }),
        name().prop_map(|id| FromModule::Ack { id }),
        (name(), name()).prop_map(|(id, error)| FromModule::Nack { id, error }),
        (name(), opaque(), prop::option::of(any::<u64>())).prop_map(|(topic, payload, deadline_ms)| {
            FromModule::Publish { topic, payload, deadline_ms, traceparent: None }
        }),
        call_parts().prop_map(|(id, method, params, deadline_ms)| {
            FromModule::Call { id, method, params, deadline_ms, traceparent: None }
        }),
        (call_parts(), name()).prop_map(|((id, method, params, deadline_ms), service)| {
            FromModule::RpcRequest { id, service, method, params, deadline_ms, traceparent: None }
        }),
        (name(), prop::option::of(opaque()), prop::option::of(name()))
            .prop_map(|(id, result, error)| FromModule::RpcResponse { id, result, error }),
        (name(), prop::option::of(opaque()), prop::option::of(name()))
            .prop_map(|(id, result, error)| FromModule::CallResponse { id, result, error }),
        (name(), any::<u64>(), opaque()).prop_map(|(id, seq, data)| FromModule::Chunk { id, seq, data }),
        (name(), any::<u64>()).prop_map(|(id, n)| FromModule::Credit { id, n }),
        (name(), opaque(), name()).prop_map(|(id, state, version)| FromModule::StateSaved {
            id,
            state,
            version
        }),
    ]
}

/// Where an absent and a `null` field mean the same, the fast path keeps no difference.
fn not_null() -> impl Strategy<Value = Opaque> {
    opaque().prop_filter("null means absent here", |value| !value.0.is_null())
}

fn owned(raw: Raw<'_>) -> Opaque {
    Opaque(serde_json::from_str(raw.as_str()).expect("a raw value is JSON"))
}

/// The borrowed frame as the owned one: the naive twin reads by serde alone.
fn to_owned(frame: Frame<'_>) -> FromModule {
    match frame {
        Frame::Ready { manifest, capabilities, transport } => FromModule::Ready {
            manifest: manifest.map(owned).unwrap_or_default(),
            capabilities: capabilities.map(owned),
            transport,
        },
        Frame::Log { level, msg, data, topic } => FromModule::Log {
            level,
            msg: msg.into_owned(),
            data: data.map(owned),
            topic: topic.map(Into::into),
        },
        Frame::LogGroup { level, msg, data, items } => {
            let item = |item: &protocol::decode::LogItem<'_>| LogItem {
                msg: item.msg.clone().into_owned(),
                data: item.data.map(owned),
            };
            let items = items.iter().map(item).collect();
            FromModule::LogGroup { level, msg: msg.into_owned(), data: data.map(owned), items }
        }
        Frame::Ack { id } => FromModule::Ack { id: id.into_owned() },
        Frame::Nack { id, error } => FromModule::Nack { id: id.into_owned(), error: error.into_owned() },
        Frame::Publish { topic, payload, deadline_ms, traceparent } => FromModule::Publish {
            topic: topic.into_owned(),
            payload: owned(payload),
            deadline_ms,
            traceparent: traceparent.map(Into::into),
        },
        Frame::Call { id, method, params, deadline_ms, traceparent } => FromModule::Call {
            id: id.into_owned(),
            method: method.into_owned(),
            params: params.map(owned),
            deadline_ms,
            traceparent: traceparent.map(Into::into),
        },
        Frame::CallResponse { id, result, error } => FromModule::CallResponse {
            id: id.into_owned(),
            result: result.map(owned),
            error: error.map(Into::into),
        },
        Frame::Pong => FromModule::Pong {},
        Frame::RpcRequest { id, service, method, params, deadline_ms, traceparent } => {
            FromModule::RpcRequest {
                id: id.into_owned(),
                service: service.into_owned(),
                method: method.into_owned(),
                params: params.map(owned),
                deadline_ms,
                traceparent: traceparent.map(Into::into),
            }
        }
        Frame::RpcResponse { id, result, error } => FromModule::RpcResponse {
            id: id.into_owned(),
            result: result.map(owned),
            error: error.map(Into::into),
        },
        Frame::Cancel { id } => FromModule::Cancel { id: id.into_owned() },
        Frame::Progress { id, fraction, msg } => {
            FromModule::Progress { id: id.into_owned(), fraction, msg: msg.map(Into::into) }
        }
        Frame::Chunk { id, seq, data } => FromModule::Chunk { id: id.into_owned(), seq, data: owned(data) },
        Frame::End { id } => FromModule::End { id: id.into_owned() },
        Frame::Credit { id, n } => FromModule::Credit { id: id.into_owned(), n },
        Frame::StateSaved { id, state, version } => {
            FromModule::StateSaved { id: id.into_owned(), state: owned(state), version: version.into_owned() }
        }
        Frame::StateRestored { id } => FromModule::StateRestored { id: id.into_owned() },
    }
}

proptest! {
    #[test]
    fn any_cutting_of_a_stream_gives_the_same_lines(
        stream in stream(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        line_bytes_max in 0_usize..30,
    ) {
        prop_assert_eq!(pieces(&stream, &cuts, line_bytes_max), whole(&stream, line_bytes_max));
    }

    #[test]
    fn what_the_owned_type_writes_the_fast_path_reads(frame in from_module()) {
        let line = serde_json::to_string(&frame).expect("a message is JSON");
        match decode(line.as_bytes()) {
            Decoded::Frame(read) => prop_assert_eq!(to_owned(read), frame),
            other => prop_assert!(false, "{} is {:?}", line, other),
        }
    }

    #[test]
    fn what_the_encoder_writes_the_owned_type_reads(
        (id, method, params, deadline_ms) in call_parts(),
        from in name(),
        service in name(),
        is_pretty in any::<bool>(),
    ) {
        let text = params.as_ref().map(|params| match is_pretty {
            true => format!("{:#}", params.0),
            false => params.0.to_string(),
        });
        let call = Call {
            id: &id,
            method: &method,
            params: text.as_deref().map(str::as_bytes),
            deadline_ms,
            traceparent: None,
        };
        let mut line = Vec::new();
        encode::rpc_request(&mut line, &from, &service, &call);
        prop_assert_eq!(line.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count(), 1);
        let read: ToModule = serde_json::from_slice(&line).expect("a line is a message");
        prop_assert_eq!(
            read,
            ToModule::RpcRequest { id, from, service, method, params, deadline_ms, traceparent: None }
        );
    }

    #[test]
    fn a_payload_is_handed_on_byte_for_byte(payload in json()) {
        let payload = payload.to_string();
        let line = format!(r#"{{"type":"publish","topic":"t","payload":{payload}}}"#);
        let Decoded::Frame(Frame::Publish { payload: read, .. }) = decode(line.as_bytes()) else {
            return Err(TestCaseError::fail("a publish"));
        };
        prop_assert_eq!(read.as_str(), &payload);
        let mut out = Vec::new();
        encode::deliver(&mut out, 7, "t", read.as_bytes(), None);
        prop_assert!(String::from_utf8(out).expect("UTF-8").contains(&payload));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(line in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&line);
    }

    #[test]
    fn no_text_of_json_pieces_makes_the_decoder_panic(line in r#"[\{\}\[\]:,"\\u0-9a-fx type]{0,80}"#) {
        let decoded = decode(line.as_bytes());
        // What is not JSON is never a message, and what is a message is JSON.
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&line).is_ok();
        prop_assert_eq!(matches!(decoded, Decoded::NotJson), !is_json);
    }

    #[test]
    fn no_params_make_the_kernel_calls_panic(params in json(), method in prop::sample::select(vec![
        "config.get", "config.set", "service.resolve", "permissions.check", "permissions.request", "module.list",
    ])) {
        let line = serde_json::json!({ "type": "call", "id": "1", "method": method, "params": params }).to_string();
        let Decoded::Frame(Frame::Call { method, params, .. }) = decode(line.as_bytes()) else {
            return Err(TestCaseError::fail("a call"));
        };
        let _ = decode_kernel_call(&method, params);
    }
}
