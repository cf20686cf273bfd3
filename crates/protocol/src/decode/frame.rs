//! From the fields of one line to the message they are.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::fields::{Fields, Key, text_of};
use super::{Frame, LOG_GROUP_ITEMS_MAX, LogItem, Raw, Rejected};
use crate::door::{LogLevel, TransportKind};

impl<'a> Frame<'a> {
    /// The message's `type`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Log { .. } => "log",
            Self::LogGroup { .. } => "log-group",
            Self::Ack { .. } => "ack",
            Self::Nack { .. } => "nack",
            Self::Publish { .. } => "publish",
            Self::Call { .. } => "call",
            Self::CallResponse { .. } => "call:response",
            Self::Pong => "pong",
            Self::RpcRequest { .. } => "rpc_request",
            Self::RpcResponse { .. } => "rpc_response",
            Self::Cancel { .. } => "cancel",
            Self::Progress { .. } => "progress",
            Self::Chunk { .. } => "chunk",
            Self::End { .. } => "end",
            Self::Credit { .. } => "credit",
            Self::StateSaved { .. } => "state:saved",
            Self::StateRestored { .. } => "state:restored",
        }
    }

    pub(super) fn from_fields(fields: &Fields<'a>) -> Result<Self, Rejected> {
        let word = fields.word()?;
        Ok(match &*word {
            "rpc_request" => rpc_request(fields)?,
            "rpc_response" => Self::RpcResponse {
                id: fields.name("rpc_response", Key::Id)?,
                result: fields.raw(Key::Result),
                error: fields.prose(Key::Error),
            },
            "publish" => publish(fields)?,
            "call" => call(fields)?,
            "call:response" => Self::CallResponse {
                id: fields.name("call:response", Key::Id)?,
                result: fields.raw(Key::Result),
                error: fields.prose(Key::Error),
            },
            "pong" => Self::Pong,
            "log" => log(fields),
            "log-group" => log_group(fields)?,
            "ready" => Self::Ready {
                manifest: fields.some(Key::Manifest),
                capabilities: fields.some(Key::Capabilities),
                transport: fields.some(Key::Transport).and_then(transport),
            },
            "ack" => Self::Ack { id: fields.name("ack", Key::Id)? },
            "nack" => Self::Nack {
                id: fields.name("nack", Key::Id)?,
                error: fields.prose(Key::Error).unwrap_or_default(),
            },
            _ => return feature(&word, fields),
        })
    }
}

/// The messages of part B, which older modules never send.
fn feature<'a>(word: &str, fields: &Fields<'a>) -> Result<Frame<'a>, Rejected> {
    Ok(match word {
        "cancel" => Frame::Cancel { id: fields.name("cancel", Key::Id)? },
        "progress" => Frame::Progress {
            id: fields.name("progress", Key::Id)?,
            fraction: fields.number("progress", Key::Fraction)?.map(|fraction| fraction.clamp(0.0, 1.0)),
            msg: fields.prose(Key::Msg),
        },
        "chunk" => Frame::Chunk {
            id: fields.name("chunk", Key::Id)?,
            seq: fields.whole_required("chunk", Key::Seq)?,
            data: fields.raw(Key::Data).unwrap_or(Raw::NULL),
        },
        "end" => Frame::End { id: fields.name("end", Key::Id)? },
        "credit" => {
            Frame::Credit { id: fields.name("credit", Key::Id)?, n: fields.whole_required("credit", Key::N)? }
        }
        "state:saved" => Frame::StateSaved {
            id: fields.name("state:saved", Key::Id)?,
            state: fields.raw(Key::State).unwrap_or(Raw::NULL),
            version: fields.name("state:saved", Key::Version)?,
        },
        "state:restored" => Frame::StateRestored { id: fields.name("state:restored", Key::Id)? },
        _ => return Err(Rejected::unknown_type(word)),
    })
}

/// What is no known word is no answer to an offer.
fn transport(value: Raw<'_>) -> Option<TransportKind> {
    (*text_of(value)? == *TransportKind::Shm.as_str()).then_some(TransportKind::Shm)
}

fn rpc_request<'a>(fields: &Fields<'a>) -> Result<Frame<'a>, Rejected> {
    Ok(Frame::RpcRequest {
        id: fields.name("rpc_request", Key::Id)?,
        service: fields.name("rpc_request", Key::Service)?,
        method: fields.name("rpc_request", Key::Method)?,
        params: fields.raw(Key::Params),
        deadline_ms: fields.whole("rpc_request", Key::DeadlineMs)?,
        traceparent: fields.traceparent(),
    })
}

fn publish<'a>(fields: &Fields<'a>) -> Result<Frame<'a>, Rejected> {
    Ok(Frame::Publish {
        topic: fields.name("publish", Key::Topic)?,
        payload: fields.raw(Key::Payload).unwrap_or(Raw::NULL),
        deadline_ms: fields.whole("publish", Key::DeadlineMs)?,
        traceparent: fields.traceparent(),
    })
}

fn call<'a>(fields: &Fields<'a>) -> Result<Frame<'a>, Rejected> {
    Ok(Frame::Call {
        id: fields.name("call", Key::Id)?,
        method: fields.name("call", Key::Method)?,
        params: fields.raw(Key::Params),
        deadline_ms: fields.whole("call", Key::DeadlineMs)?,
        traceparent: fields.traceparent(),
    })
}

fn log<'a>(fields: &Fields<'a>) -> Frame<'a> {
    Frame::Log {
        level: level(fields),
        msg: fields.prose(Key::Msg).unwrap_or_default(),
        data: fields.some(Key::Data),
        topic: fields.prose(Key::Topic),
    }
}

fn log_group<'a>(fields: &Fields<'a>) -> Result<Frame<'a>, Rejected> {
    let items = match fields.some(Key::Items) {
        Some(items) => log_items(items)?,
        None => Vec::new(),
    };
    Ok(Frame::LogGroup {
        level: level(fields),
        msg: fields.prose(Key::Msg).unwrap_or_default(),
        data: fields.some(Key::Data),
        items,
    })
}

fn level(fields: &Fields<'_>) -> LogLevel {
    fields
        .some(Key::Level)
        .and_then(text_of)
        .and_then(|word| LogLevel::from_word(&word))
        .unwrap_or(LogLevel::Info)
}

fn log_items(list: Raw<'_>) -> Result<Vec<LogItem<'_>>, Rejected> {
    let items: Items<'_> = serde_json::from_str(list.as_str()).map_err(|_| Rejected::BadItems)?;
    Ok(items.0)
}

struct Items<'a>(Vec<LogItem<'a>>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while items.len() < LOG_GROUP_ITEMS_MAX {
                    let Some(item) = list.next_element::<Fields<'de>>()? else {
                        return Ok(Items(items));
                    };
                    let msg = item.prose(Key::Msg).unwrap_or_default();
                    items.push(LogItem { msg, data: item.some(Key::Data) });
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}
