//! The lane that the kernel offers in `init`, between the offer and its use.
//!
//! The thread that reads attaches to it. Its writing end is used from `ready` on, its reading end from the kernel's
//! `transport` line on. What can't be attached is never mentioned again: both sides stay on their pipes.

use protocol::door::{LaneOffer, TransportKind};
use shm::{LAYOUT, Lane, Receiver, Sender};

#[derive(Default)]
pub(crate) struct Offered {
    pub(crate) sender: Option<Sender>,
    receiver: Option<Receiver>,
    /// The kernel has written its last line to the pipe.
    pub(crate) switched: bool,
}

impl Offered {
    /// Attaches to what `init` offers, if that is something that we know and can have.
    pub(crate) fn attach(&mut self, offer: Option<&LaneOffer>) {
        let known = offer.filter(|offer| offer.kind == TransportKind::Shm && offer.layout == LAYOUT);
        let Some(lane) = known.and_then(|offer| Lane::attach_inherited(offer.fd, offer.bytes).ok()) else {
            return;
        };
        self.sender = Some(lane.sender);
        self.receiver = Some(lane.receiver);
    }

    /// The reading end, once the kernel uses it and if we have answered that we do.
    pub(crate) fn take_receiver(&mut self) -> Option<Receiver> {
        if self.switched && self.sender.is_none() { self.receiver.take() } else { None }
    }
}
