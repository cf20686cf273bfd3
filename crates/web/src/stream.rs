//! A listener's events as the body of an answer that does not end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::events::Heard;

/// 15 s between two signs of life: proxies and browsers give up a silent connection after some 30 s.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// The body.
#[derive(Debug)]
pub(crate) struct Stream {
    heard: Heard,
    alive: Interval,
}

impl Stream {
    pub(crate) fn new(heard: Heard) -> Self {
        let mut alive = interval(ALIVE_EVERY);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { heard, alive }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        if let Some(first) = self.heard.first.pop_front() {
            return frame(first);
        }
        let lost = self.heard.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            return frame(Bytes::from(format!("event: lost\ndata: {{\"events\":{lost}}}\n\n")));
        }
        match self.heard.receiver.poll_recv(context) {
            Poll::Ready(Some(event)) => return frame(event),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        match self.alive.poll_tick(context) {
            Poll::Ready(_) => frame(Bytes::from_static(b": alive\n\n")),
            Poll::Pending => Poll::Pending,
        }
    }
}
