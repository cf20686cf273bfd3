//! Questions for names, as programs send them (RFC 1035): one name, one answer, never more than 512 bytes. Everything else is not
//! answered, since it comes from a program that wants something that is not there.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use crate::raw::sockets::{self, Way};
use crate::reach::{self, LOCALHOST};

#[cfg(test)]
mod tests;

/// 512 bytes: what every program takes, and sends.
const MESSAGE_BYTES_MAX: usize = 512;

/// 12 bytes: number, flags, four counts.
const HEADER_BYTES: usize = 12;

/// 8 addresses of 28 bytes at most fit behind the longest question, with room to spare.
const ADDRESSES_MAX: usize = 8;

/// 30 s, after which a program asks again.
const TTL_SECONDS: u32 = 30;

const KIND_V4: u16 = 1;
const KIND_V6: u16 = 28;
const CLASS_INTERNET: u16 = 1;

/// An answer; recursion was asked for and is there. The lowest bits say what came of it.
const ANSWER: u16 = 0x8180;
const FAILED: u16 = 2;
const NO_SUCH_NAME: u16 = 3;

/// One question and where it came from.
#[derive(Debug)]
pub(super) struct Question {
    asked: Asked,
    way: Way,
}

/// What was asked.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// Number and question, as they are repeated in the answer.
    number: [u8; 2],
    question: Vec<u8>,
    name: String,
    kind: u16,
}

impl Question {
    /// Takes the next one; nothing when it is none that could be answered.
    pub(super) fn take(names: BorrowedFd<'_>) -> Option<Self> {
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        let (got, way) = sockets::take_datagram(names, &mut bytes).ok()?;
        Some(Self { asked: Asked::parse(&bytes[..got])?, way })
    }

    /// The name in small letters.
    pub(super) fn name(&self) -> &str {
        &self.asked.name
    }

    /// Whether this machine itself is meant, as everywhere (RFC 6761).
    pub(super) fn is_for_here(&self) -> bool {
        self.name() == LOCALHOST || self.name().ends_with(".localhost")
    }

    pub(super) fn answer(&self, names: BorrowedFd<'_>, addresses: &[IpAddr]) {
        self.send(names, &self.asked.answered(0, addresses));
    }

    /// There is no such name.
    pub(super) fn deny(&self, names: BorrowedFd<'_>) {
        self.send(names, &self.asked.answered(NO_SUCH_NAME, &[]));
    }

    /// Nobody could tell.
    pub(super) fn fail(&self, names: BorrowedFd<'_>) {
        self.send(names, &self.asked.answered(FAILED, &[]));
    }

    fn send(&self, names: BorrowedFd<'_>, bytes: &[u8]) {
        // Who does not take its answers asks again.
        let _ = sockets::answer_datagram(names, &self.way, bytes);
    }
}

impl Asked {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..at + 2)?.first_chunk()?));
        let (flags, questions) = (word(2)?, word(4)?);
        // A question, and a plain one.
        if flags & 0xf800 != 0 || questions != 1 {
            return None;
        }
        let mut labels: Vec<&str> = Vec::new();
        let mut at = HEADER_BYTES;
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1;
            match length {
                0 => break,
                // Nothing comes before the first name that it could point to.
                64.. => return None,
                _ => labels.push(std::str::from_utf8(bytes.get(at..at + length)?).ok()?),
            }
            at += length;
        }
        if labels.iter().any(|label| label.contains('.')) {
            return None;
        }
        let (kind, class) = (word(at)?, word(at + 2)?);
        if class != CLASS_INTERNET {
            return None;
        }
        let question = bytes.get(HEADER_BYTES..at + 4)?.to_vec();
        let name = reach::name(&labels.join("."))?;
        Some(Self { number: *bytes.first_chunk()?, question, name, kind })
    }

    /// The answer with those addresses that are of the kind that was asked for.
    fn answered(&self, came_of_it: u16, addresses: &[IpAddr]) -> Vec<u8> {
        let wanted = |address: &&IpAddr| match address {
            IpAddr::V4(_) => self.kind == KIND_V4,
            IpAddr::V6(_) => self.kind == KIND_V6,
        };
        let addresses: Vec<&IpAddr> = addresses.iter().filter(wanted).take(ADDRESSES_MAX).collect();
        let count = u16::try_from(addresses.len()).expect("at most 8");
        let mut bytes = self.number.to_vec();
        bytes.extend([ANSWER | came_of_it, 1, count, 0, 0].map(u16::to_be_bytes).concat());
        bytes.extend(&self.question);
        for address in addresses {
            // The name of the question: a pointer to where it lies.
            bytes.extend([0xc00c, self.kind, CLASS_INTERNET].map(u16::to_be_bytes).concat());
            bytes.extend(TTL_SECONDS.to_be_bytes());
            let octets = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            bytes.extend(u16::try_from(octets.len()).expect("4 or 16").to_be_bytes());
            bytes.extend(octets);
        }
        bytes
    }
}
