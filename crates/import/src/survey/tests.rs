//! What is proposed for folders of several kinds.

use protocol::files::project::{Project, Source};

use super::*;

fn proposed(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let found: Vec<Found> = files
        .iter()
        .map(|(name, text)| Found { name: (*name).to_owned(), text: (*text).to_owned() })
        .collect();
    let Some(imported) = propose("shop", &found).expect("the files are right") else { return Vec::new() };
    let project = Project::parse("ostoja.yaml", &imported.yaml).expect("it is read");
    let modules = project.modules.iter().map(|module| match &module.source {
        Source::Run(words) => (module.id.to_string(), words.join(" ")),
        Source::Folder(folder) => (module.id.to_string(), folder.clone()),
    });
    modules.collect()
}

fn pair(name: &str, command: &str) -> (String, String) {
    (name.to_owned(), command.to_owned())
}

#[test]
fn a_list_of_processes_counts_alone() {
    let files = [("Procfile", "web: ./web\n"), ("package.json", r#"{"scripts": {"start": "x"}}"#)];
    assert_eq!(proposed(&files), [pair("web", "./web")]);
}

#[test]
fn a_list_that_names_only_images_leaves_the_word_to_the_others() {
    let files = [("compose.yaml", "services: { db: { image: postgres } }\n"), ("main.py", "")];
    assert_eq!(proposed(&files), [pair("main", "python3 main.py")]);
}

#[test]
fn scripts_and_programs_of_each_language_are_proposed() {
    let package = r#"{"packageManager": "pnpm@9", "scripts": {"dev": "vite", "start": "node .", "worker": "node w.js", "test": "x"}}"#;
    assert_eq!(
        proposed(&[("package.json", package)]),
        [pair("app", "pnpm run start"), pair("worker", "pnpm run worker")]
    );
    assert_eq!(proposed(&[("package.json", r#"{"main": "index.js"}"#)]), [pair("app", "node index.js")]);
    let python = "[project]\nname = \"x\"\n[project.scripts] # programs\nshop = \"shop:main\"\n";
    assert_eq!(proposed(&[("pyproject.toml", python)]), [pair("shop", "shop")]);
    let rust = "[package]\nname = \"lib\"\n[[bin]]\nname = \"one\"\n[[bin]]\nname = 'two'\n";
    assert_eq!(
        proposed(&[("Cargo.toml", rust)]),
        [pair("one", "target/release/one"), pair("two", "target/release/two")]
    );
    assert_eq!(proposed(&[("go.mod", "module example.com/a/tool\n\ngo 1.22\n")]), [pair("tool", "./tool")]);
    assert_eq!(
        proposed(&[("Makefile", "X := 1\nall: a\nrun: all\n\t./a\nworker:\n\t./w\n")]),
        [pair("app", "make run"), pair("worker", "make worker")]
    );
    let django = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n";
    assert_eq!(proposed(&[("manage.py", django)]), [pair("web", "python3 manage.py runserver --noreload")]);
}

#[test]
fn nothing_is_proposed_where_nothing_is_said() {
    assert_eq!(proposed(&[]), []);
    assert_eq!(
        proposed(&[("package.json", "{}"), ("Makefile", "all:\n"), ("pyproject.toml", "[project]\n")]),
        []
    );
}

#[test]
fn a_broken_list_is_told_and_a_broken_package_only_remarked() {
    let broken = [Found { name: "Procfile".to_owned(), text: "what".to_owned() }];
    assert!(propose("shop", &broken).expect_err("it is broken").to_string().starts_with("Procfile:1:1"));
    let files = [("package.json", "{"), ("main.py", "")];
    assert_eq!(proposed(&files), [pair("main", "python3 main.py")]);
}
