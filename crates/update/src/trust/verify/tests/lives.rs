//! Random lives of a trust beside a naive model: new versions, replayed ones, new keys, time that passes and goes back.

use super::super::super::issue::{RootDraft, issue_root, issue_snapshot, issue_targets, issue_timestamp};
use super::super::*;
use super::{LATER, NOW, held, root_draft, targets_draft, with};

/// 60 lives of 40 looks: some thousand verifications in a second.
const LIVES: u64 = 60;
const LOOKS: u64 = 40;

/// 7 days until a timestamp expires, in steps of a day.
const DAY_MS: u64 = 86_400_000;
const YOUNG_DAYS: u64 = 7;

/// What was published once, and may be shown again by whoever carries it.
#[derive(Clone)]
struct Published {
    slice: Slice,
    version: u64,
    root: u64,
    expires: Wall,
}

/// A maker, and how often its keys were changed: the epoch of each root.
struct Maker {
    draft: RootDraft,
    roots: Slice,
    epochs: Vec<u8>,
    version: u64,
    all: Vec<Published>,
}

impl Maker {
    fn keys(&self) -> (u8, u8) {
        let epoch = self.epochs[self.epochs.len() - 1];
        (5 + 10 * epoch, 6 + 10 * epoch)
    }

    fn publish(&mut self, now: Wall) {
        let (snapshot_key, timestamp_key) = self.keys();
        self.version += 1;
        let expires = Wall(now.0 + YOUNG_DAYS * DAY_MS);
        let targets = with(&[4], |keys| issue_targets(&targets_draft(self.version), keys)).unwrap();
        let mut slice: Slice = [(TARGETS.to_owned(), targets)].into();
        let version = self.version;
        let snapshot = with(&[snapshot_key], |keys| issue_snapshot(version, LATER, &slice, keys)).unwrap();
        let timestamp = with(&[timestamp_key], |keys| issue_timestamp(version, expires, &snapshot, keys));
        slice.insert(SNAPSHOT.to_owned(), snapshot);
        slice.insert(TIMESTAMP.to_owned(), timestamp.unwrap());
        slice.extend(self.roots.clone());
        self.all.push(Published { slice, version, root: self.draft.version, expires });
    }

    /// New keys; whoever had the old ones may have counted ahead, so versions begin anew.
    fn rotate(&mut self) {
        self.epochs.push(self.epochs[self.epochs.len() - 1] + 1);
        self.draft.version += 1;
        let (snapshot_key, timestamp_key) = self.keys();
        self.draft.roles.insert(TrustRole::Snapshot, held(&[snapshot_key], 1));
        self.draft.roles.insert(TrustRole::Timestamp, held(&[timestamp_key], 1));
        let text = with(&[1, 2], |keys| issue_root(&self.draft, keys)).unwrap();
        self.roots.insert(format!("{}.root.json", self.draft.version), text);
        self.version = 0;
    }
}

/// What a home has seen, as the model has it.
#[derive(Clone, Copy)]
struct Seen {
    root: u64,
    version: u64,
    latest: Wall,
}

/// Whether a slice may be believed; what is seen then.
fn believed(maker: &Maker, seen: Seen, one: &Published, now: Wall) -> Option<Seen> {
    let latest = seen.latest.max(now);
    let epoch = |root: u64| maker.epochs[usize::try_from(root - 1).unwrap()];
    let root = seen.root.max(one.root);
    let known = if epoch(root) == epoch(seen.root) { seen.version } else { 0 };
    let is_signed = epoch(root) == epoch(one.root);
    (is_signed && one.version >= known && one.expires > latest).then_some(Seen {
        root,
        version: one.version,
        latest,
    })
}

#[test]
fn a_home_believes_what_a_naive_model_believes_and_nothing_else() {
    let (mut taken, mut refused) = (0, 0);
    for life in 0..LIVES {
        let mut state = life;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut maker =
            Maker { draft: root_draft(1), roots: Slice::new(), epochs: vec![0], version: 0, all: Vec::new() };
        let (mut trust, mut now) = (super::begin(), NOW);
        let mut seen = Seen { root: 1, version: 0, latest: Wall(0) };
        maker.publish(now);
        for look in 0..LOOKS {
            match draw(12) {
                0..5 => maker.publish(now),
                // At most 20 changes: keys of the tests are numbered by a byte.
                5 if maker.epochs.len() < 20 => {
                    maker.rotate();
                    maker.publish(now);
                }
                6..9 => now = Wall(now.0 + draw(4) * DAY_MS),
                9 => now = Wall(now.0 - draw(3) * DAY_MS),
                _ => {}
            }
            // Mostly the newest, sometimes anything that was ever published.
            let count = maker.all.len() as u64;
            let at = if draw(3) == 0 { draw(count) } else { count - 1 };
            let one = maker.all[usize::try_from(at).unwrap()].clone();
            let expected = believed(&maker, seen, &one, now);
            match trust.verify(now, &one.slice) {
                Ok(vouched) => {
                    seen = expected.unwrap_or_else(|| panic!("life {life}, look {look}: believed"));
                    trust = Trust::parse(&vouched.trust().to_json()).unwrap();
                    assert_eq!((trust.root_version(), trust.timestamp), (seen.root, seen.version));
                    taken += 1;
                }
                Err(error) => {
                    assert!(expected.is_none(), "life {life}, look {look}: {error}");
                    refused += 1;
                }
            }
        }
    }
    // What is never met is never tried.
    assert!(taken > LIVES * 10 && refused > LIVES * 3, "{taken} believed, {refused} refused");
}
