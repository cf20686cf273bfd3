//! Wrong tokens and codes, counted for each address that they come from: guesses of one are paid for by it alone, so that
//! nobody is kept out by a stranger who guesses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// 20 wrong tokens and codes at once, and then one in [`WRONG_EVERY_MS`]: guessing 128 bits is hopeless anyway, but each
/// guess of a token costs Argon2id.
pub(super) const WRONG_BURST: u64 = 20;

/// 3 s, as [`WRONG_BURST`] says.
pub(super) const WRONG_EVERY_MS: u64 = 3_000;

/// 4,096 addresses are told apart; of more, all that come later count as one.
const ADDRESSES_MAX: usize = 4096;

/// 64 bits of an address of the sixth version are one network's: whoever has one has them all.
const NETWORK_BITS: u32 = 64;

/// Up to when the wrong ones of each address are paid for.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    until_ms: HashMap<IpAddr, u64>,
}

impl Wrong {
    /// Whether this address has to wait before anything of it is looked at.
    pub(super) fn is_too_many(&self, from: IpAddr, now_ms: u64) -> bool {
        let until = self.until_ms.get(&self.place(from)).copied().unwrap_or(0);
        until > now_ms + WRONG_BURST * WRONG_EVERY_MS
    }

    /// One more of it.
    pub(super) fn count(&mut self, from: IpAddr, now_ms: u64) {
        if self.until_ms.len() >= ADDRESSES_MAX {
            self.until_ms.retain(|_, until| *until > now_ms);
        }
        let until = self.until_ms.entry(self.place(from)).or_insert(0);
        *until = (*until).max(now_ms) + WRONG_EVERY_MS;
    }

    /// Under which address it is counted.
    fn place(&self, from: IpAddr) -> IpAddr {
        let network = match from.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> NETWORK_BITS << NETWORK_BITS))
            }
            address @ IpAddr::V4(_) => address,
        };
        if self.until_ms.len() < ADDRESSES_MAX || self.until_ms.contains_key(&network) {
            return network;
        }
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    }
}

#[cfg(test)]
mod tests;
