//! The maker's side and the user's side together: what one signs the other believes, through rotations and revocations.

use abi::ModuleId;
use proptest::prelude::*;
use semver::Version;

use super::*;
use crate::package::{PackedFile, PackedPath, Rights};

const NOW: Wall = Wall(1_800_000_000_000);

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32]).unwrap()
}

fn with<T>(numbers: &[u8], act: impl FnOnce(&[&SigningKey]) -> T) -> T {
    let keys: Vec<SigningKey> = numbers.iter().map(|number| key(*number)).collect();
    act(&keys.iter().collect::<Vec<_>>())
}

fn held(numbers: &[u8], threshold: u64) -> RoleDraft {
    RoleDraft { keys: numbers.iter().map(|number| key(*number).public()).collect(), threshold }
}

/// Two of the keys 1, 2, 3 for the root; 4 for everything else.
fn roles() -> BTreeMap<TrustRole, RoleDraft> {
    let role = |role| (role, if role == TrustRole::Root { held(&[1, 2, 3], 2) } else { held(&[4], 1) });
    TrustRole::ALL.map(role).into()
}

fn open() -> Workshop {
    with(&[1, 2], |keys| Workshop::open(roles(), NOW, Terms::default(), keys)).unwrap()
}

fn head(version: u64, text: &str) -> Head {
    let path = PackedPath::parse("module.json").unwrap();
    let file = PackedFile { path, rights: Rights::Plain, digests: Digests::of(text.as_bytes()) };
    Head::try_new(ModuleId::parse("web").unwrap(), Version::new(version, 0, 0), vec![file]).unwrap()
}

fn vouch(workshop: &mut Workshop, version: u64, keys: &[u8]) -> Result<Slice, TrustError> {
    with(keys, |keys| workshop.vouch(&head(version, "{}"), NOW, Terms::default(), keys))
}

/// The package that a thief would like to be believed.
fn other_head() -> Head {
    head(666, "{}")
}

/// What a user with this trust makes of a package.
fn believe(trust: &Trust, slice: &Slice, version: u64) -> Result<Trust, TrustError> {
    let vouched = trust.verify(NOW, slice)?;
    vouched.check(&head(version, "{}").target(), &head(version, "{}").to_json())?;
    Ok(vouched.trust().clone())
}

#[test]
fn what_the_workshop_vouches_for_is_believed_from_the_first_root_on() {
    let mut workshop = open();
    let user = Trust::begin(workshop.first_root()).unwrap();
    let first = vouch(&mut workshop, 1, &[4]).unwrap();
    let second = vouch(&mut workshop, 2, &[4]).unwrap();
    let after_first = believe(&user, &first, 1).unwrap();
    let after_second = believe(&after_first, &second, 2).unwrap();
    believe(&user, &second, 1).unwrap();
    assert!(matches!(believe(&after_second, &first, 1), Err(TrustError::Rollback { .. })));
}

#[test]
fn a_workshop_is_kept_as_it_was_and_holds_no_secret() {
    let mut workshop = open();
    vouch(&mut workshop, 1, &[4]).unwrap();
    let text = workshop.to_json();
    assert_eq!(Workshop::parse(&text).unwrap(), workshop);
    let text = String::from_utf8(text).unwrap();
    assert!((1..=4).all(|number| !text.contains(&format!("{number:02x}").repeat(32))));
    assert!(Workshop::parse(b"{}").is_err());
    assert!(Workshop::parse(br#"{"roots":[],"targets":{},"sealed":0}"#).is_err());
}

#[test]
fn what_was_published_is_never_changed() {
    let mut workshop = open();
    vouch(&mut workshop, 1, &[4]).unwrap();
    let before = workshop.clone();
    let other = head(1, "{\"other\":true}");
    let error = with(&[4], |keys| workshop.vouch(&other, NOW, Terms::default(), keys)).unwrap_err();
    assert!(matches!(error, TrustError::Draft { .. }), "{error}");
    assert_eq!(workshop, before);
    vouch(&mut workshop, 1, &[4]).unwrap();
}

#[test]
fn a_rotated_key_signs_no_more_and_the_new_one_is_believed_by_old_users() {
    let mut workshop = open();
    let user = Trust::begin(workshop.first_root()).unwrap();
    let old = vouch(&mut workshop, 1, &[4]).unwrap();
    let user = believe(&user, &old, 1).unwrap();
    let (from, to) = (key(4).public(), key(5).public());
    with(&[1, 3], |keys| workshop.rotate(from, to, NOW, Terms::default(), keys)).unwrap();
    assert!(matches!(vouch(&mut workshop, 2, &[4]), Err(TrustError::Draft { .. })));
    let new = vouch(&mut workshop, 2, &[5]).unwrap();
    let user = believe(&user, &new, 2).unwrap();
    assert_eq!(user.root_version(), 2);
    assert!(believe(&user, &old, 1).is_err(), "what the old key signed is believed no more");
}

#[test]
fn a_revoked_root_key_is_out_and_a_role_never_falls_below_its_threshold() {
    let mut workshop = open();
    with(&[1, 2], |keys| workshop.revoke(key(3).public(), NOW, Terms::default(), keys)).unwrap();
    assert_eq!(workshop.draft().unwrap().roles[&TrustRole::Root], held(&[1, 2], 2));
    let before = workshop.clone();
    for (gone, at_hand) in [(2, &[1, 2][..]), (4, &[1, 2]), (9, &[1, 2])] {
        let gone = key(gone).public();
        let error = with(at_hand, |keys| workshop.revoke(gone, NOW, Terms::default(), keys)).unwrap_err();
        assert!(matches!(error, TrustError::Draft { .. }), "{error}");
        assert_eq!(workshop, before);
    }
    // One root key alone gives nothing away.
    let (from, to) = (key(1).public(), key(6).public());
    assert!(with(&[1, 6], |keys| workshop.rotate(from, to, NOW, Terms::default(), keys)).is_err());
    // The same key twice is one key.
    assert!(with(&[1, 1], |keys| workshop.rotate(from, to, NOW, Terms::default(), keys)).is_err());
}

#[test]
fn what_has_expired_is_believed_again_after_it_was_sealed_anew() {
    let mut workshop = open();
    let user = Trust::begin(workshop.first_root()).unwrap();
    let old = vouch(&mut workshop, 1, &[4]).unwrap();
    let later = Wall(NOW.0 + 91 * 86_400_000);
    assert!(matches!(user.verify(later, &old), Err(TrustError::Expired { .. })));
    let new = with(&[4], |keys| workshop.seal(later, Terms::default(), keys)).unwrap();
    user.verify(later, &new).unwrap();
    // A root that has expired is not sealed over: nobody would believe it.
    let much_later = Wall(NOW.0 + 366 * 86_400_000);
    let error = with(&[4], |keys| workshop.seal(much_later, Terms::default(), keys)).unwrap_err();
    assert!(matches!(error, TrustError::Expired { .. }), "{error}");
    let same = workshop.draft().unwrap().roles;
    with(&[1, 2], |keys| workshop.give(same, much_later, Terms::default(), keys)).unwrap();
    with(&[4], |keys| workshop.seal(much_later, Terms::default(), keys)).unwrap();
}

/// A whole package of a version, with this slice.
fn package(head: &Head, slice: &Slice) -> Vec<u8> {
    let mut open = |_: &PackedFile| Ok(Box::new(&b"{}"[..]) as Box<dyn std::io::Read>);
    let mut package = Vec::new();
    crate::write_package(head, slice, &mut open, &mut package).unwrap();
    package
}

/// What a user makes of a package file: signatures first, then the files.
fn receive(trust: &Trust, package: &[u8]) -> Result<Head, TrustError> {
    let reader = crate::PackageReader::open(package).unwrap();
    trust.verify(NOW, reader.slice())?.check_package(&reader)?;
    Ok(reader.finish().unwrap())
}

#[test]
fn one_file_is_enough_from_the_maker_to_the_user_and_none_passes_for_another() {
    let mut workshop = open();
    let user = Trust::begin(workshop.first_root()).unwrap();
    let (one, two) = (head(1, "{}"), head(2, "{}"));
    let slice = vouch(&mut workshop, 1, &[4]).unwrap();
    assert_eq!(receive(&user, &package(&one, &slice)).unwrap(), one);
    // Another version, which nobody signed for, with a slice that is fine.
    assert!(matches!(receive(&user, &package(&two, &slice)), Err(TrustError::Unvouched { .. })));
    // The same version with another file.
    let path = PackedPath::parse("evil").unwrap();
    let file = PackedFile { path, rights: Rights::Executable, digests: Digests::of(b"{}") };
    let files = one.files().iter().cloned().chain([file]).collect();
    let more = Head::try_new(one.module().clone(), one.version().clone(), files).unwrap();
    let error = receive(&user, &package(&more, &slice)).unwrap_err();
    assert!(matches!(error, TrustError::Content { what: "length", .. }), "{error}");
    // The same again under another module's name.
    let files = one.files().to_vec();
    let other = Head::try_new(ModuleId::parse("mail").unwrap(), one.version().clone(), files).unwrap();
    assert!(matches!(receive(&user, &package(&other, &slice)), Err(TrustError::Unvouched { .. })));
    // Without a slice there is nothing to believe.
    assert!(matches!(receive(&user, &package(&one, &Slice::new())), Err(TrustError::Missing { .. })));
    let stranger = with(&[8, 9], |keys| {
        let role = |role| (role, held(&[8, 9], 1));
        Workshop::open(TrustRole::ALL.map(role).into(), NOW, Terms::default(), keys)
    });
    let slice = with(&[8], |keys| stranger.unwrap().vouch(&one, NOW, Terms::default(), keys)).unwrap();
    assert!(matches!(receive(&user, &package(&one, &slice)), Err(TrustError::Signature { .. })));
}

/// What can happen in the life of a workshop and its users.
#[derive(Debug, Clone)]
enum Turn {
    /// A version is published, with the keys that hold the roles now.
    Publish,
    /// A key of the lower roles is replaced by the next one.
    Rotate,
    /// A root key is replaced by the next one.
    RotateRoot,
    /// Time passes, in days.
    Wait(u64),
    /// One of the users takes one of the slices that were ever published.
    Take(usize, usize),
    /// A thief with a key that was replaced signs a newer version.
    Steal,
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        4 => Just(Turn::Publish),
        1 => Just(Turn::Rotate),
        1 => Just(Turn::RotateRoot),
        2 => (0_u64..40).prop_map(Turn::Wait),
        6 => (0_usize..3, any::<usize>()).prop_map(|(user, slice)| Turn::Take(user, slice)),
        1 => Just(Turn::Steal),
    ]
}

/// A workshop, what it published, and three users.
struct Story {
    workshop: Workshop,
    now: Wall,
    /// Keys that were ever used: root keys are even, the others odd.
    root_keys: Vec<u8>,
    key: u8,
    old_key: Option<u8>,
    next_key: u8,
    version: u64,
    /// Slices with the version that they vouch for, the day on which they expire, and whether a thief signed.
    slices: Vec<(Slice, u64, Wall, bool)>,
    users: Vec<(Trust, u64)>,
}

impl Story {
    fn begin() -> Self {
        let role = |role| (role, if role == TrustRole::Root { held(&[2, 4], 2) } else { held(&[1], 1) });
        let terms = Terms { root: Duration::from_secs(u32::MAX.into()), ..Terms::default() };
        let workshop =
            with(&[2, 4], |keys| Workshop::open(TrustRole::ALL.map(role).into(), NOW, terms, keys)).unwrap();
        let user = Trust::begin(workshop.first_root()).unwrap();
        let users = vec![(user, 0); 3];
        let (root_keys, slices) = (vec![2, 4], Vec::new());
        Self { workshop, now: NOW, root_keys, key: 1, old_key: None, next_key: 10, version: 0, slices, users }
    }

    fn terms() -> Terms {
        Terms { root: Duration::from_secs(u32::MAX.into()), ..Terms::default() }
    }

    fn turn(&mut self, turn: &Turn) -> Result<(), TestCaseError> {
        let expires = Wall(self.now.0 + 90 * 86_400_000);
        match turn {
            Turn::Publish => {
                self.version += 1;
                let head = head(self.version, "{}");
                let slice =
                    with(&[self.key], |keys| self.workshop.vouch(&head, self.now, Self::terms(), keys));
                self.slices.push((slice.unwrap(), self.version, expires, false));
            }
            Turn::Rotate => {
                let new = self.next_key + 1;
                self.replace(self.key, new, &self.root_keys.clone());
                self.old_key = Some(std::mem::replace(&mut self.key, new));
            }
            Turn::RotateRoot => {
                let (old, new) = (self.root_keys.remove(0), self.next_key);
                let at_hand = [self.root_keys.as_slice(), &[old, new]].concat();
                self.replace(old, new, &at_hand);
                self.root_keys.push(new);
            }
            Turn::Wait(days) => self.now = Wall(self.now.0 + days * 86_400_000),
            Turn::Take(user, slice) => self.take(*user, *slice)?,
            Turn::Steal => self.steal(),
        }
        Ok(())
    }

    fn replace(&mut self, old: u8, new: u8, at_hand: &[u8]) {
        let (old, new) = (key(old).public(), key(new).public());
        with(at_hand, |keys| self.workshop.rotate(old, new, self.now, Self::terms(), keys)).unwrap();
        self.next_key += 2;
    }

    /// Signs what a thief wants with a key that was replaced, over the newest roots.
    fn steal(&mut self) {
        let (Some(old), Some((newest, ..))) = (self.old_key, self.slices.last()) else { return };
        let mut slice = newest.clone();
        let version = 1_000_000;
        let far = Wall(self.now.0 + 1_000 * 86_400_000);
        let targets = [(other_head().target(), Digests::of(&other_head().to_json()))].into();
        let draft = TargetsDraft { version, expires: far, targets, delegations: Vec::new() };
        let files: Slice =
            [(TARGETS.to_owned(), with(&[old], |keys| issue_targets(&draft, keys)).unwrap())].into();
        let snapshot = with(&[old], |keys| issue_snapshot(version, far, &files, keys)).unwrap();
        let timestamp = with(&[old], |keys| issue_timestamp(version, far, &snapshot, keys)).unwrap();
        slice.extend(files);
        slice.extend([(SNAPSHOT.to_owned(), snapshot), (TIMESTAMP.to_owned(), timestamp)]);
        // The thief carries the roots along that took the key away; without them it is what an old user would believe.
        let roots = self.workshop.roots.iter().filter(|(version, _)| **version > 1);
        slice.extend(roots.map(|(version, root)| (format!("{version}.root.json"), root.clone())));
        self.slices.push((slice, 666, far, true));
    }

    fn take(&mut self, user: usize, slice: usize) -> Result<(), TestCaseError> {
        if self.slices.is_empty() {
            return Ok(());
        }
        let (slice, version, expires, stolen) = &self.slices[slice % self.slices.len()];
        let (trust, newest) = &mut self.users[user];
        let before = (trust.root_version(), *newest);
        match trust.verify(self.now, slice) {
            Ok(vouched) => {
                prop_assert!(!stolen, "nobody believes a key that was taken away");
                prop_assert!(*expires > self.now, "nobody believes what has expired");
                let head = head(*version, "{}");
                prop_assert!(vouched.check(&head.target(), &head.to_json()).is_ok());
                prop_assert!(vouched.check(&head.target(), b"other").is_err());
                let other = other_head();
                prop_assert!(vouched.check(&other.target(), &other.to_json()).is_err());
                *trust = Trust::parse(&vouched.trust().to_json()).unwrap();
                // A key that was replaced may begin anew; otherwise nothing goes back.
                prop_assert!(trust.root_version() > before.0 || *version >= before.1);
                prop_assert!(trust.root_version() >= before.0);
                *newest = *version;
            }
            Err(_) => prop_assert_eq!(trust.root_version(), before.0),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn through_any_story_users_believe_only_what_is_fresh_newer_and_signed_by_who_may(
        turns in prop::collection::vec(any_turn(), 1..40)
    ) {
        let mut story = Story::begin();
        for turn in &turns {
            story.turn(turn)?;
        }
        // Whoever follows gets the newest in the end, wherever they stand.
        story.turn(&Turn::Publish)?;
        for (user, _) in &story.users {
            prop_assert!(user.verify(story.now, &story.slices.last().unwrap().0).is_ok());
        }
    }
}
