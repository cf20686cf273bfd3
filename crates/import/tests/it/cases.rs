//! `conformance/import`: one folder per format, each source with the project that it makes; and `broken`, each source
//! with what is said of it. `UPDATE_EXPECT=1` writes what comes out; read the difference as behaviour.

use std::fs;
use std::path::{Path, PathBuf};

use import::{Format, Imported};
use protocol::files::project::Project;

/// 60 sources of the shapes that public projects use.
const SOURCES_MIN: usize = 60;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/import")
}

/// The sources of a folder, by name.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let is_source = |path: &PathBuf| path.extension().is_none_or(|end| end != "expected");
    let mut sources: Vec<PathBuf> = paths.filter(is_source).collect();
    sources.sort();
    sources
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

fn check(source: &Path, found: &str) {
    let expected = source.with_file_name(format!("{}.expected", name_of(source)));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, found).expect("the case folder is ours");
    }
    let known = fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(found, known, "{} (UPDATE_EXPECT=1 writes it)", source.display());
}

/// Every good case: its name, its text and what came of it.
pub(crate) fn imported() -> Vec<(String, String, Imported)> {
    let mut all = Vec::new();
    for format in Format::ALL {
        for source in sources(&folder().join(format.as_str())) {
            let text = fs::read_to_string(&source).expect("text");
            let name = name_of(&source);
            let imported = import::import(format, &name, &text)
                .unwrap_or_else(|errors| panic!("{}: {errors}", source.display()));
            check(&source, &imported.yaml);
            all.push((format!("{}/{name}", format.as_str()), text, imported));
        }
    }
    all
}

#[test]
fn every_source_gives_the_project_that_is_written_beside_it_and_that_ostoja_reads() {
    let all = imported();
    assert!(all.len() >= SOURCES_MIN, "{}", all.len());
    for (name, _, imported) in all {
        let project =
            Project::parse("ostoja.yaml", &imported.yaml).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let read: Vec<&str> = project.modules.iter().map(|module| module.id.as_str()).collect();
        let meant: Vec<&str> = imported.draft.modules().map(|module| module.id.as_str()).collect();
        assert_eq!(read, meant, "{name}");
        for (module, meant) in project.modules.iter().zip(imported.draft.modules()) {
            assert_eq!(module.policy, meant.policy, "{name}: {}", meant.id);
            assert_eq!(module.env, meant.env.iter().cloned().collect(), "{name}: {}", meant.id);
            assert_eq!(module.cwd, meant.cwd, "{name}: {}", meant.id);
            assert_eq!(module.env_pass, meant.env_pass, "{name}: {}", meant.id);
            assert_eq!(module.autostart, meant.autostart, "{name}: {}", meant.id);
            assert_eq!(module.priority, meant.priority, "{name}: {}", meant.id);
        }
    }
}

#[test]
fn every_broken_source_is_told_with_file_line_and_column() {
    let broken = sources(&folder().join("broken"));
    assert!(broken.len() >= Format::ALL.len());
    for source in broken {
        let name = name_of(&source);
        let format = Format::ALL
            .into_iter()
            .find(|format| name.ends_with(&format!(".{}", format.as_str())))
            .expect("it ends in its format");
        let text = fs::read_to_string(&source).expect("text");
        let errors = import::import(format, &name, &text).expect_err(&name);
        let told: String = errors.iter().map(|error| format!("{error}\n")).collect();
        assert!(told.starts_with(&format!("{name}:")), "{told}");
        check(&source, &told);
    }
}

#[test]
fn every_source_is_known_by_its_text_or_its_usual_name() {
    for format in Format::ALL {
        for source in sources(&folder().join(format.as_str())) {
            let text = fs::read_to_string(&source).expect("text");
            // Names of cases say nothing, as `deploy/prod.yaml` does not.
            let found = import::detect("some-file", &text);
            let name = source.display();
            // An app alone is a map like any other; only its name or `--from` tells.
            assert_eq!(found, Some(format), "{name}");
        }
    }
    for (name, format) in [
        ("Procfile", Format::Procfile),
        ("Procfile.dev", Format::Procfile),
        ("docker-compose.prod.yml", Format::Compose),
        ("compose.yaml", Format::Compose),
        ("ecosystem.config.js", Format::Pm2),
        ("supervisord.conf", Format::Supervisord),
        ("process-compose.yaml", Format::ProcessCompose),
        ("nginx.service", Format::Systemd),
        ("claude_desktop_config.json", Format::Mcp),
    ] {
        assert_eq!(import::detect(name, ""), Some(format), "{name}");
    }
    assert_eq!(import::detect("notes.txt", "nothing of this kind"), None);
}
