//! From what the kernel tells a module to the line that goes into its queue.

use abi::Payload;
use kernel::{Message, Outcome, Outgoing};
use protocol::door::{LaneOffer, PROTOCOL_VERSION};
use protocol::encode::{self, Call};
use serde::Deserialize;

use crate::outbox::{Gap, Long};

use super::values::{answer_json, message_json};

/// What the host adds to frames that the kernel leaves open: the module's own part of the configuration, and the home.
#[derive(Debug)]
pub(crate) struct Initial {
    /// `{[configKey]: section}` or `{}`, as JSON.
    pub(crate) config: Vec<u8>,
    /// The home folder.
    pub(crate) home: String,
    /// A faster way than the pipes, if there is one.
    pub(crate) lane: Option<LaneOffer>,
}

/// Writes one frame as one line. `initial` is asked for only by the two frames that need it.
pub(crate) fn tell(out: &mut Vec<u8>, frame: &Outgoing, initial: impl FnOnce() -> Initial) {
    match frame {
        Outgoing::Call { hop, from, service, method, params, context } => {
            let mut digits = [0; DIGITS];
            let call = Call {
                id: decimal(*hop, &mut digits),
                method: method.as_str(),
                params: params.as_ref().map(Payload::as_bytes),
                deadline_ms: context.deadline_ms,
                traceparent: context.traceparent.as_ref().map(kernel::Word::as_str),
            };
            encode::rpc_request(out, from.as_str(), service.as_str(), &call);
        }
        Outgoing::Answer { id, outcome } => encode::rpc_response(out, id.as_str(), answer(outcome)),
        Outgoing::Deliver { id, topic, message, traceparent } => {
            let traceparent = traceparent.as_ref().map(kernel::Word::as_str);
            encode::deliver(out, *id, topic.as_str(), &message_json(message), traceparent);
        }
        Outgoing::KernelAnswer { id, answer } => match answer {
            Ok(result) => encode::call_response(out, id.as_str(), Ok(Some(&answer_json(result)))),
            Err(error) => encode::call_response(out, id.as_str(), Err(error)),
        },
        Outgoing::Install => encode::install(out),
        Outgoing::Init => {
            let Initial { config, home, lane } = initial();
            match lane {
                Some(offer) => {
                    encode::init_with_lane(out, PROTOCOL_VERSION, &config, &home, &home, offer);
                }
                None => encode::init(out, PROTOCOL_VERSION, &config, &home, &home),
            }
        }
        Outgoing::ConfigUpdate(sections) => {
            let sections: Vec<&str> = sections.iter().map(String::as_str).collect();
            encode::config_update(out, &initial().config, &sections);
        }
        Outgoing::DepsReady => encode::deps_ready(out),
        Outgoing::ServiceAvailable(service) => encode::service_available(out, service.as_str()),
        Outgoing::Ping => encode::ping(out),
        Outgoing::Cancel { hop } => encode::cancel(out, decimal(*hop, &mut [0; DIGITS])),
        Outgoing::Progress { id, payload, .. } => progress(out, id.as_str(), payload),
        Outgoing::Chunk { id, seq, data, .. } => encode::chunk(out, id.as_str(), *seq, data.as_bytes()),
        Outgoing::End { id, .. } => encode::end(out, id.as_str()),
        Outgoing::Credit { hop, parts } => {
            encode::credit(out, decimal(*hop, &mut [0; DIGITS]), u64::from(*parts))
        }
        Outgoing::StateSave { number } => encode::state_save(out, decimal(*number, &mut [0; DIGITS])),
        Outgoing::StateRestore { number, state, version } => {
            let mut digits = [0; DIGITS];
            encode::state_restore(out, decimal(*number, &mut digits), state.as_bytes(), version.as_str());
        }
        Outgoing::Shutdown => encode::shutdown(out),
    }
}

/// 16 KiB: a longer payload is not copied for each module that it is delivered to. Below that a copy, which the write
/// finds in the cache, costs less than another piece in the system call; and what is shared never keeps a read buffer,
/// since a payload as long as that does not lie in one.
const APART_BYTES_MIN: usize = 16 << 10;

/// Writes one frame as [`tell`] does, but may leave its payload out, to be put in when it is written.
pub(crate) fn tell_long(
    out: &mut Vec<u8>,
    frame: &Outgoing,
    long: Long,
    initial: impl FnOnce() -> Initial,
) -> Option<Gap> {
    if let Outgoing::Deliver { id, topic, message: Message::Raw(payload), traceparent } = frame
        && long == Long::Apart
        && payload.len() >= APART_BYTES_MIN
        && encode::is_one_line(payload.as_bytes())
    {
        let traceparent = traceparent.as_ref().map(kernel::Word::as_str);
        let at = encode::deliver_around(out, *id, topic.as_str(), traceparent);
        return Some(Gap { at, payload: payload.clone() });
    }
    tell(out, frame, initial);
    None
}

fn answer(outcome: &Outcome) -> encode::Answer<'_> {
    match outcome {
        Outcome::Result(result) => Ok(result.as_ref().map(Payload::as_bytes)),
        Outcome::Error(error) => Err(error),
    }
}

/// 20 digits: the largest number of 64 bits.
const DIGITS: usize = 20;

/// A number as text, written from its end.
fn decimal(hop: u64, digits: &mut [u8; DIGITS]) -> &str {
    let (mut rest, mut at) = (hop, DIGITS);
    loop {
        at -= 1;
        digits[at] = b"0123456789"[(rest % 10) as usize];
        rest /= 10;
        if rest == 0 || at == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).expect("digits are ASCII")
}

#[derive(Deserialize)]
struct Progress {
    fraction: Option<f64>,
    msg: Option<String>,
}

/// The members were written by `heard`, so what can't be read is left out.
fn progress(out: &mut Vec<u8>, id: &str, payload: &Payload) {
    let read = serde_json::from_slice(payload.as_bytes());
    let members: Progress = read.unwrap_or(Progress { fraction: None, msg: None });
    encode::progress(out, id, members.fraction, members.msg.as_deref());
}
