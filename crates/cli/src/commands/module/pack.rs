//! `module pack`: a module's folder as one signed file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::Version;
use store::Meter;
use update::{Digester, FILES_MAX, Head, PackageReader, PackedFile, PackedPath, Rights, write_package};

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::updates::Packed;
use crate::progress::Progress;
use crate::target::Target;
use crate::words::Phrase;
use crate::workshop::Bench;

/// Folders that belong to the workplace, not to the module.
const LEFT_OUT: [&str; 3] = [".git", "__pycache__", ".venv"];

/// 64 KiB are read at once.
const PIECE_BYTES: usize = 64 << 10;

/// Packs a folder, signs it, and writes it to a file.
pub(super) fn run(ctx: &Ctx, folder: &Path, file: Option<&Path>) -> Outcome {
    let manifest = crate::offline::manifest(folder)?;
    let version = version(&manifest)?;
    let found = files(folder)?;
    let meter = Arc::new(Meter::default());
    // Each file is read twice: hashed, then packed.
    meter.expect(2 * found.len() as u64);
    let shown = Progress::begin(ctx, Phrase::Packing, Some(meter.clone()));
    let mut packed = Vec::new();
    for (path, place) in &found {
        packed.push(describe(path, place)?);
        meter.add(1);
    }
    let head = Head::try_new(manifest.id.clone(), version, packed).map_err(update::PackageError::Head)?;
    let target = Target::of(ctx)?;
    target.home.create()?;
    let mut bench = Bench::open(&target.home)?;
    let slice = bench.vouch(&head)?;
    let name = format!("{}-{}.okm", head.module(), head.version());
    let file = file.map_or_else(|| PathBuf::from(name), Path::to_owned);
    let bytes = write(&file, |sink| {
        let mut open = |packed: &PackedFile| -> io::Result<Box<dyn Read>> {
            meter.add(1);
            Ok(Box::new(File::open(folder.join(packed.path.as_str()))?))
        };
        write_package(&head, &slice, &mut open, sink)
    })?;
    drop(shown);
    let done = Packed {
        module_id: head.module().to_string(),
        version: head.version().to_string(),
        file: file.display().to_string(),
        files: head.files().len() as u64,
        unpacked_bytes: head.files().iter().map(|file| file.digests.bytes).sum(),
        bytes,
    };
    if ctx.is_json() {
        ctx.document(&done)?;
    } else {
        let size = crate::amount::bytes(done.bytes);
        ctx.say_phrase(Phrase::Packed, &[&done.module_id, &done.version, &done.file, &size]);
    }
    Ok(Exit::Done)
}

fn version(manifest: &protocol::files::manifest::Manifest) -> Outcome<Version> {
    let text = manifest.version.as_deref().unwrap_or_default();
    let refused = || {
        let message =
            format!("module `{}` has the version `{text}`, and a package needs one like 1.2.3", manifest.id);
        Failure::new("cli::pack::version", message).help("set \"version\" in its module.json")
    };
    Ok(Version::parse(text).map_err(|_| refused())?)
}

/// The files of a folder by their names in the package.
fn files(folder: &Path) -> Outcome<BTreeMap<PackedPath, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(folder.to_owned(), String::new())];
    // Bounded by the number of files, and by the depth that a packed path may have.
    while let Some((folder, prefix)) = waiting.pop() {
        let io = |error| Failure::io("read", &folder, &error);
        for entry in fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if LEFT_OUT.contains(&name.as_str()) || name.ends_with(".okm") {
                continue;
            }
            let (path, name) = (entry.path(), format!("{prefix}{name}"));
            let packed = PackedPath::parse(&name).map_err(update::PackageError::Path)?;
            let kind = entry.file_type().map_err(io)?;
            if kind.is_dir() {
                waiting.push((path, format!("{name}/")));
            } else if kind.is_file() {
                found.insert(packed, path);
            } else {
                return Err(no_file(&path).into());
            }
            if found.len() > FILES_MAX {
                let unit = "files";
                return Err(update::PackageError::Limit { limit: FILES_MAX as u64, unit }.into());
            }
        }
    }
    Ok(found)
}

fn no_file(path: &Path) -> Failure {
    let message =
        format!("`{}` is a link or no plain file, and only plain files can be packed", path.display());
    Failure::new("cli::pack::kind", message).help("put the file itself in its place")
}

/// A file's length, rights and hashes.
fn describe(path: &PackedPath, place: &Path) -> Outcome<PackedFile> {
    let io = |error| Failure::io("read", place, &error);
    let file = File::open(place).map_err(io)?;
    let mode = file.metadata().map_err(io)?.permissions().mode();
    let rights = if mode & 0o111 == 0 { Rights::Plain } else { Rights::Executable };
    let (mut digester, mut file) = (Digester::default(), file);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece).map_err(io)? {
            0 => break,
            count => digester.update(&piece[..count]),
        }
    }
    Ok(PackedFile { path: path.clone(), rights, digests: digester.finish() })
}

/// Writes a file aside, reads it as whoever takes it will, and puts it in place.
fn write(
    file: &Path,
    act: impl FnOnce(&mut dyn io::Write) -> Result<(), update::PackageError>,
) -> Outcome<u64> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".part");
    let aside = PathBuf::from(aside);
    let io = |error| Failure::io("write", &aside, &error);
    let written = (|| {
        let mut sink = File::create(&aside).map_err(io)?;
        act(&mut sink)?;
        sink.sync_all().map_err(io)?;
        let packed = BufReader::new(File::open(&aside).map_err(io)?);
        PackageReader::open(packed)?.finish()?;
        let bytes = fs::metadata(&aside).map_err(io)?.len();
        fs::rename(&aside, file).map_err(io)?;
        Ok(bytes)
    })();
    if written.is_err() {
        // The first error is the one that matters; a file that was never made can't be removed either.
        let _ = fs::remove_file(&aside);
    }
    written
}
