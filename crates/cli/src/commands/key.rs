//! `key`: the keys that packages are signed with, and the makers whose packages this home takes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use abi::ModuleId;
use clap::{Args, Subcommand};
use host::updates::Makers;
use store::write_whole;
use update::trust::{PublicKey, TrustRole};

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::updates::{KeyChanged, KeyRow, KeyRows, MakerChanged, TrustedMaker};
use crate::render;
use crate::target::Target;
use crate::words::Phrase;
use crate::workshop::{Bench, role};

const EXAMPLES: &str = "\
Examples:
  ostoja key generate me          the first key holds every role
  ostoja key root root.json       what those who take your packages need
  ostoja key trust anna root.json --for greeter
  ostoja key rotate me me-2; ostoja key list";

/// Anybody may read a root: it holds no secret.
const ROOT_MODE: u32 = 0o644;

/// 1 MiB: a root with 64 keys is a few KiB.
const ROOT_BYTES_MAX: u64 = 1 << 20;

/// What can be typed behind `key`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct KeyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key; the first one may sign everything
    #[command(
        after_help = "Examples:\n  ostoja key generate me\n  ostoja key generate release --role targets --threshold 2"
    )]
    Generate {
        /// Its name here: small letters, digits, dashes
        name: String,
        /// A role it is to hold: root, targets, snapshot, timestamp
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Vec<TrustRole>,
        /// How many keys of that role have to sign
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        threshold: Option<u64>,
    },
    /// List keys with their roles, and the makers trusted here
    #[command(after_help = "Examples:\n  ostoja key list\n  ostoja key list --json")]
    List,
    /// Give a key's roles to another key, which is made if it is new
    #[command(after_help = "Examples:\n  ostoja key rotate me me-2")]
    Rotate {
        /// The key that held them: its name or its 64 digits
        old: String,
        /// The key that is to hold them
        new: String,
    },
    /// Take every role from a key
    #[command(after_help = "Examples:\n  ostoja key revoke release")]
    Revoke {
        /// Its name or its 64 digits
        key: String,
    },
    /// Write the first root: what users of your packages have to be given
    #[command(after_help = "Examples:\n  ostoja key root root.json")]
    Root {
        /// Where to
        file: PathBuf,
    },
    /// Take a maker's packages from now on
    #[command(after_help = "Examples:\n  ostoja key trust anna root.json --for greeter")]
    Trust {
        /// What the maker is called here
        maker: String,
        /// Its first root, got by a way that you trust
        root: PathBuf,
        /// A module it may vouch for; every module when left out
        #[arg(long = "for", value_name = "MODULE")]
        modules: Vec<String>,
    },
    /// Take a maker's packages no longer
    #[command(after_help = "Examples:\n  ostoja key distrust anna")]
    Distrust {
        /// Which maker
        maker: String,
    },
}

pub(super) fn run(ctx: &Ctx, args: &KeyArgs) -> Outcome {
    let target = Target::of(ctx)?;
    target.home.create()?;
    match &args.verb {
        Verb::Generate { name, role, threshold } => generate(ctx, &target, name, role, *threshold),
        Verb::List => list(ctx, &target),
        Verb::Rotate { old, new } => rotate(ctx, &target, old, new),
        Verb::Revoke { key } => {
            let mut bench = Bench::open(&target.home)?;
            let found = bench.find(key)?;
            bench.replace(found, None)?;
            tell(ctx, &bench, ("revoked", Phrase::KeyRevoked), key, found)
        }
        Verb::Root { file } => root(ctx, &target, file),
        Verb::Trust { maker, root, modules } => trust(ctx, &target, maker, root, modules),
        Verb::Distrust { maker } => {
            Makers::load(&target.home)?.distrust(maker)?;
            tell_maker(ctx, ("distrusted", Phrase::MakerDistrusted), maker)
        }
    }
}

fn generate(ctx: &Ctx, target: &Target, name: &str, roles: &[TrustRole], threshold: Option<u64>) -> Outcome {
    let mut bench = Bench::open(&target.home)?;
    if threshold.is_some() && roles.is_empty() {
        return Err(Failure::usage("a threshold needs the role it is for: --role ROLE").into());
    }
    let is_first = bench.workshop.is_none();
    if is_first && !roles.is_empty() {
        return Err(Failure::usage("the first key holds every role; make it without --role").into());
    }
    let public = bench.make_key(name)?;
    if is_first || !roles.is_empty() {
        bench.give(public, roles, threshold)?;
    }
    tell(ctx, &bench, ("generated", Phrase::KeyGenerated), name, public)
}

fn rotate(ctx: &Ctx, target: &Target, old: &str, new: &str) -> Outcome {
    let mut bench = Bench::open(&target.home)?;
    let from = bench.find(old)?;
    let to = match bench.find(new) {
        Ok(known) => known,
        Err(_) => bench.make_key(new)?,
    };
    bench.replace(from, Some(to))?;
    tell(ctx, &bench, ("rotated", Phrase::KeyRotated), new, to)
}

/// The roles that a key holds now.
fn held(bench: &Bench, key: PublicKey) -> Outcome<Vec<String>> {
    let Some(workshop) = &bench.workshop else { return Ok(Vec::new()) };
    let roles = workshop.draft()?.roles.into_iter().filter(|(_, draft)| draft.keys.contains(&key));
    Ok(roles.map(|(role, _)| role.as_str().to_owned()).collect())
}

fn tell(ctx: &Ctx, bench: &Bench, done: (&str, Phrase), name: &str, key: PublicKey) -> Outcome {
    if ctx.is_json() {
        let roles = held(bench, key)?;
        let (what, name, key) = (done.0.to_owned(), name.to_owned(), key.to_string());
        ctx.document(&KeyChanged { what, name, key, roles })?;
    } else {
        ctx.say_phrase(done.1, &[name, &format!("{key:.16}")]);
    }
    Ok(Exit::Done)
}

fn tell_maker(ctx: &Ctx, done: (&str, Phrase), maker: &str) -> Outcome {
    if ctx.is_json() {
        ctx.document(&MakerChanged { what: done.0.to_owned(), maker: maker.to_owned() })?;
    } else {
        ctx.say_phrase(done.1, &[maker]);
    }
    Ok(Exit::Done)
}

fn list(ctx: &Ctx, target: &Target) -> Outcome {
    let bench = Bench::open(&target.home)?;
    let mut keys = Vec::new();
    for (name, key) in &bench.keys {
        let (public, roles) = (key.public(), held(&bench, key.public())?);
        keys.push(KeyRow { name: Some(name.clone()), key: public.to_string(), roles });
    }
    // Keys of other people that hold a role, whose private halves are elsewhere.
    if let Some(workshop) = &bench.workshop {
        let all: BTreeSet<PublicKey> =
            workshop.draft()?.roles.into_values().flat_map(|role| role.keys).collect();
        for key in all.into_iter().filter(|key| bench.keys.values().all(|ours| ours.public() != *key)) {
            keys.push(KeyRow { name: None, key: key.to_string(), roles: held(&bench, key)? });
        }
    }
    let makers = Makers::load(&target.home)?.rows().into_iter().map(|row| TrustedMaker {
        maker: row.name,
        modules: row.modules,
        root: row.root,
        keys: row.keys.iter().map(ToString::to_string).collect(),
        threshold: row.threshold,
    });
    let rows = KeyRows { keys, makers: makers.collect() };
    ctx.show(&rows, |rows| render::updates::keys(&ctx.theme, rows))?;
    if rows.keys.is_empty() && rows.makers.is_empty() && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoKeys, &[target.command()]);
    }
    Ok(Exit::Done)
}

fn root(ctx: &Ctx, target: &Target, file: &Path) -> Outcome {
    let bench = Bench::open(&target.home)?;
    write_whole(file, bench.published()?.first_root(), ROOT_MODE)?;
    tell_maker(ctx, ("root", Phrase::RootWritten), &file.display().to_string())
}

fn trust(ctx: &Ctx, target: &Target, maker: &str, root: &Path, modules: &[String]) -> Outcome {
    let mut allowed = BTreeSet::new();
    for text in modules {
        let no_module = |_| Failure::usage(format!("`{text}` is no name of a module"));
        allowed.insert(ModuleId::parse(text).map_err(no_module)?);
    }
    let io = |error| Failure::io("read", root, &error);
    if std::fs::metadata(root).map_err(io)?.len() > ROOT_BYTES_MAX {
        return Err(Failure::usage(format!("`{}` is too large to be a root", root.display())).into());
    }
    let text = std::fs::read(root).map_err(io)?;
    Makers::load(&target.home)?.trust(maker, &text, allowed)?;
    tell_maker(ctx, ("trusted", Phrase::MakerTrusted), maker)
}
