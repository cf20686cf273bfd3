//! Which file is meant, and which rules it brings along.

use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{admitted, find, needs};
use crate::confinement::{Confinement, PathRule};
use crate::launch::LaunchError;
use crate::layer::Layer;

/// A folder with an empty file of each name; the ones under `run/` are executable.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        let mode = if file.starts_with("run/") { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    root
}

fn found(name: &str, path: Option<OsString>, cwd: &Path) -> Result<PathBuf, LaunchError> {
    let env: Vec<_> = path.into_iter().map(|path| ("PATH".into(), path)).collect();
    find(&[name.into()], &env, cwd)
}

#[test]
fn the_first_runnable_file_on_the_path_is_taken() {
    let root = folder(&["plain/tool", "run/tool"]);
    let path = std::env::join_paths([root.path().join("plain"), root.path().join("run")]).unwrap();
    assert_eq!(found("tool", Some(path.clone()), Path::new("/")).unwrap(), root.path().join("run/tool"));
    let only_plain = Some(root.path().join("plain").into_os_string());
    let error = found("tool", only_plain, Path::new("/")).unwrap_err();
    assert!(matches!(error, LaunchError::NotExecutable { .. }), "{error}");
    let error = found("other", Some(path), Path::new("/")).unwrap_err();
    assert!(matches!(error, LaunchError::ProgramNotFound { .. }), "{error}");
}

#[test]
fn a_path_is_taken_from_the_working_folder_and_never_searched_for() {
    let root = folder(&["run/tool"]);
    assert_eq!(found("./run/tool", None, root.path()).unwrap(), root.path().join("run/tool"));
    let error = found("./tool", Some(root.path().join("run").into()), root.path()).unwrap_err();
    assert!(matches!(error, LaunchError::ProgramNotFound { .. }), "{error}");
}

#[test]
fn a_folder_of_the_name_is_no_program() {
    let root = folder(&["run/tool/inner"]);
    let error = found("tool", Some(root.path().join("run").into()), root.path()).unwrap_err();
    assert!(matches!(error, LaunchError::NotExecutable { .. }), "{error}");
}

#[test]
fn without_a_path_the_usual_folders_are_searched() {
    assert!(found("sh", None, Path::new("/")).unwrap().is_absolute());
}

#[track_caller]
fn check(program: &Path, root: &Path, expected: &[&str]) {
    let paths: Vec<PathBuf> = needs(program).into_iter().map(|PathRule { path, .. }| path).collect();
    let expected: Vec<PathBuf> = expected.iter().map(|below| root.join(below)).collect();
    assert_eq!(paths, expected);
}

#[test]
fn a_runtime_brings_the_prefix_that_was_made_for_it() {
    let root = folder(&["venv/pyvenv.cfg", "node/include/node.h", ".local/share/keyrings/secret"]);
    let root = root.path();
    check(&root.join(".deno/bin/deno"), root, &[".deno"]);
    check(&root.join(".pyenv/shims/python3"), root, &[".pyenv"]);
    check(&root.join("venv/bin/python"), root, &["venv"]);
    check(&root.join("node/bin/node"), root, &["node"]);
}

#[test]
fn a_prefix_that_holds_more_is_opened_by_its_programs_alone() {
    let root = Path::new("/home/ewa");
    check(&root.join(".local/bin/tool"), root, &[".local/bin", ".local/lib"]);
    check(&root.join("bin/tool"), root, &["bin", "lib"]);
    check(&root.join("project/target/tool"), root, &["project/target/tool"]);
    check(Path::new("/usr/bin/node"), Path::new("/"), &["usr/bin/node"]);
    check(Path::new("/bin/sh"), Path::new("/"), &["bin/sh"]);
}

#[test]
fn links_are_followed_to_the_end_and_loops_given_up() {
    let root = folder(&["run/real"]);
    let root = root.path().canonicalize().unwrap();
    symlink("run/real", root.join("second")).unwrap();
    symlink(root.join("second"), root.join("first")).unwrap();
    let files = super::links(&root.join("first"));
    for name in ["first", "second", "run/real"] {
        assert!(files.contains(&root.join(name)), "{name} in {files:?}");
    }
    symlink("loop", root.join("loop")).unwrap();
    assert!(super::links(&root.join("loop")).len() < 12);
}

#[test]
fn a_program_that_is_the_other_half_of_a_child_is_admitted_with_it() {
    let root = folder(&["run/bridge", "run/server"]);
    let held = Confinement { layers: vec![Layer::LandlockFiles, Layer::RunList], ..Confinement::none() };
    let find = |name: &str| Some(root.path().join("run").join(name));
    let rules = |confinement: Confinement| {
        let admitted = admitted(confinement, &root.path().join("run/bridge"), find);
        let paths = admitted.paths.into_iter().map(|rule| rule.path);
        paths.filter(|path| path.starts_with(root.path())).collect::<Vec<_>>()
    };
    assert_eq!(rules(held.clone()), [root.path().join("run/bridge")]);
    let both = rules(held.with_inner("server"));
    assert_eq!(both, [root.path().join("run/bridge"), root.path().join("run/server")]);
}
