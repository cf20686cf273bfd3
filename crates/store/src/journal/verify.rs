//! Walking the chain from its anchor to its head, and naming the first place where it does not hold.
//!
//! What can be found: any record edited, removed, inserted or moved, at either end too, and a head or anchor changed.
//! What can't: somebody with the kernel's own rights who recomputes every hash from one record on and rewrites the
//! head in the database and in the head file, since no key is involved. Who fears that copies the head elsewhere.

use std::fmt;

use abi::Fact;
use rusqlite::{Connection, Row};

use super::chain::Link;
use super::entry::{BootId, Digest};
use super::facts;
use super::head::{Head, HeadFile};
use super::schema::{anchor_row, head_row, last_row};
use super::{PRUNED_CODE, THROUGH_HASH, THROUGH_SEQ};

/// What is wrong at one place of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The record is not what was written: its hash does not fit its contents.
    Edited,
    /// The record is missing, and so are those after it up to `through`.
    Removed {
        /// The last missing one.
        through: u64,
    },
    /// The record stands where none was written.
    Inserted,
    /// The record was written at another place of the chain.
    Moved {
        /// Where it belongs.
        belongs: u64,
    },
    /// The record does not follow the one before it: one of the two was replaced.
    Unlinked,
    /// The database can't be read there.
    Unreadable {
        /// What the database says.
        why: String,
    },
    /// The head in the database is missing.
    HeadMissing,
    /// The head in the database names another hash than the last record has.
    HeadDiffers,
    /// The head file is missing.
    HeadFileMissing,
    /// The head file is not one.
    HeadFileGarbled,
    /// The head file names another hash than the record has: everything from some place before it was rewritten.
    HeadFileDiffers,
    /// The mark of what was dropped for age is missing.
    AnchorMissing,
    /// The mark of what was dropped for age is not the one that was written when it was dropped.
    AnchorDiffers,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => write!(f, "the record was edited"),
            Self::Removed { through } => write!(f, "the records from here through {through} were removed"),
            Self::Inserted => write!(f, "the record was inserted"),
            Self::Moved { belongs } => write!(f, "the record was moved here, it belongs at {belongs}"),
            Self::Unlinked => {
                write!(f, "the record does not follow the one before it: one of the two was replaced")
            }
            Self::Unreadable { why } => write!(f, "the database can't be read here: {why}"),
            Self::HeadMissing => write!(f, "the head in the database is missing"),
            Self::HeadDiffers => write!(f, "the head in the database does not fit the last record"),
            Self::HeadFileMissing => write!(f, "the head file is missing"),
            Self::HeadFileGarbled => write!(f, "the head file is not one"),
            Self::HeadFileDiffers => {
                write!(f, "the head file does not fit the record: the chain was rewritten")
            }
            Self::AnchorMissing => write!(f, "the mark of what was dropped for age is missing"),
            Self::AnchorDiffers => write!(f, "the mark of what was dropped for age was changed"),
        }
    }
}

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every record is as it was written, from the first kept to the last.
    Sound {
        /// How many records are kept.
        records: u64,
        /// How many older ones were dropped for age, as the chain itself says.
        dropped: u64,
    },
    /// The chain does not hold.
    Broken {
        /// The first place that is wrong.
        seq: u64,
        /// What is wrong there.
        flaw: Flaw,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sound { records, dropped: 0 } => write!(f, "{records} records, all as they were written"),
            Self::Sound { records, dropped } => {
                write!(
                    f,
                    "{records} records, all as they were written; {dropped} older ones were dropped for age"
                )
            }
            Self::Broken { seq, flaw } => write!(f, "broken at record {seq}: {flaw}"),
        }
    }
}

/// Verifies within whatever transaction the connection is in. `head_file` must have been read before the transaction
/// began, so that a writer at work can only have got ahead of it.
pub(super) fn verify(connection: &Connection, head_file: &HeadFile) -> rusqlite::Result<Verdict> {
    let Some(anchor) = anchor_row(connection)? else {
        return Ok(Verdict::Broken { seq: 0, flaw: Flaw::AnchorMissing });
    };
    let last = last_row(connection)?.count;
    let mut walk = Walk { at: anchor, sealed: *head_file, pruned: None, last };
    if let Some(broken) = walk.all(connection)? {
        return Ok(broken);
    }
    let head = head_row(connection)?;
    Ok(walk
        .check_ends(anchor, head)
        .unwrap_or(Verdict::Sound { records: walk.at.count - anchor.count, dropped: anchor.count }))
}

/// How far the chain has been followed.
struct Walk {
    /// The last record that holds.
    at: Head,
    /// The head file, which is compared when its record comes by.
    sealed: HeadFile,
    /// What the last record about pruning says.
    pruned: Option<Head>,
    /// The last place at which there is a record.
    last: u64,
}

impl Walk {
    fn all(&mut self, connection: &Connection) -> rusqlite::Result<Option<Verdict>> {
        let mut statement = connection.prepare(
            "SELECT seq, wall_ms, boot, code, module, generation, facts, prev, hash FROM records ORDER BY seq",
        )?;
        let mut rows = statement.query([])?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(None),
                Err(error) => {
                    let flaw = Flaw::Unreadable { why: error.to_string() };
                    return Ok(Some(Verdict::Broken { seq: self.at.count + 1, flaw }));
                }
            };
            if let Some(broken) = self.step(row)? {
                return Ok(Some(broken));
            }
        }
    }

    fn step(&mut self, row: &Row<'_>) -> rusqlite::Result<Option<Verdict>> {
        let expected = self.at.count + 1;
        let seq = row.get_ref(0)?.as_i64().map_or(0, |seq| u64::try_from(seq).unwrap_or(0));
        let broken = |seq, flaw| Ok(Some(Verdict::Broken { seq, flaw }));
        if seq < expected {
            return broken(seq, Flaw::Inserted);
        }
        if seq > expected {
            return broken(expected, Flaw::Removed { through: seq - 1 });
        }
        let Some((link, stored)) = to_link(row, seq) else { return broken(seq, Flaw::Edited) };
        let hash = link.hash();
        if hash != stored {
            return broken(seq, moved_or_edited(link, stored, self.last));
        }
        if link.prev != self.at.hash {
            return broken(seq, Flaw::Unlinked);
        }
        if link.code == PRUNED_CODE {
            self.pruned = pruned_through(link.facts);
        }
        if let HeadFile::Sealed(sealed) = self.sealed
            && sealed.count == seq
            && sealed.hash != hash
        {
            return broken(seq, Flaw::HeadFileDiffers);
        }
        self.at = Head { count: seq, hash };
        Ok(None)
    }

    /// What only shows when the whole chain is known.
    fn check_ends(&self, anchor: Head, head: Option<Head>) -> Option<Verdict> {
        let last = self.at;
        let broken = |seq, flaw| Some(Verdict::Broken { seq, flaw });
        let Some(head) = head else { return broken(last.count, Flaw::HeadMissing) };
        if head.count < last.count {
            return broken(head.count + 1, Flaw::Inserted);
        }
        if head.count > last.count {
            return broken(last.count + 1, Flaw::Removed { through: head.count });
        }
        if head.hash != last.hash {
            return broken(last.count, Flaw::HeadDiffers);
        }
        let flaw = match self.sealed {
            HeadFile::Missing if last.count > 0 => Some((last.count, Flaw::HeadFileMissing)),
            HeadFile::Garbled => Some((last.count, Flaw::HeadFileGarbled)),
            HeadFile::Sealed(sealed) if sealed.count > last.count => {
                Some((last.count + 1, Flaw::Removed { through: sealed.count }))
            }
            HeadFile::Sealed(sealed) if sealed.count < anchor.count => {
                Some((anchor.count, Flaw::AnchorDiffers))
            }
            HeadFile::Missing | HeadFile::Sealed(_) => None,
        };
        // Last, since the record that proves the anchor may be among those that the other checks miss.
        let forged = anchor.count > 0 && self.pruned != Some(anchor);
        let flaw = flaw.or_else(|| forged.then_some((anchor.count, Flaw::AnchorDiffers)));
        flaw.map(|(seq, flaw)| Verdict::Broken { seq, flaw })
    }
}

/// A row as it was hashed, and the hash stored with it; nothing when a part is not of the kind that is written.
fn to_link<'a>(row: &'a Row<'_>, seq: u64) -> Option<(Link<'a>, Digest)> {
    let digest = |column| row.get_ref(column).ok()?.as_blob().ok()?.try_into().ok().map(Digest);
    let link = Link {
        prev: digest(7)?,
        seq,
        wall_ms: row.get_ref(1).ok()?.as_i64().ok()?.cast_unsigned(),
        boot: BootId(u128::from_be_bytes(row.get_ref(2).ok()?.as_blob().ok()?.try_into().ok()?)),
        code: row.get_ref(3).ok()?.as_str().ok()?,
        module: row.get_ref(4).ok()?.as_str_or_null().ok()?,
        generation: row.get_ref(5).ok()?.as_i64_or_null().ok()?.map(i64::cast_unsigned),
        facts: row.get_ref(6).ok()?.as_str().ok()?,
    };
    Some((link, digest(8)?))
}

/// The hash covers the place, so a record that was only moved fits its hash again at the place it came from.
fn moved_or_edited(mut link: Link<'_>, stored: Digest, last: u64) -> Flaw {
    let here = link.seq;
    let reach = here.saturating_sub(MOVE_REACH).max(1)..=here.saturating_add(MOVE_REACH).min(last);
    for belongs in reach {
        link.seq = belongs;
        if link.hash() == stored {
            return Flaw::Moved { belongs };
        }
    }
    Flaw::Edited
}

/// 100,000 places to either side are tried to tell a moved record from an edited one: well under a second of hashing,
/// and only when the chain is broken anyway.
const MOVE_REACH: u64 = 100_000;

fn pruned_through(text: &str) -> Option<Head> {
    let facts = facts::from_text(text)?;
    let count = facts.iter().find_map(|(name, fact)| match fact {
        Fact::Number(value) if name == THROUGH_SEQ => Some(*value),
        _ => None,
    })?;
    let hash = facts.iter().find_map(|(name, fact)| match fact {
        Fact::Text(text) if name == THROUGH_HASH => Digest::parse(text),
        _ => None,
    })?;
    Some(Head { count, hash })
}

#[cfg(test)]
mod tests;
