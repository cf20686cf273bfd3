//! The worlds in which something goes wrong, made by the real binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context as _, Result, ensure};

use crate::world::World;

/// A greeter in plain shell that answers every call with its version.
fn greeter(world: &World, version: &str) -> Result<String> {
    let name = format!("greeter-{version}");
    let folder = world.path(&name);
    fs::create_dir_all(&folder).context("making a module")?;
    let manifest = format!(
        "{{\"id\":\"greeter\",\"name\":\"Greeter\",\"version\":\"{version}\",\"runtime\":\"binary\",\
         \"entry\":\"run.sh\",\"provides\":[\"greeter\"],\"permissions\":{{}}}}"
    );
    fs::write(folder.join("module.json"), manifest).context("making a module")?;
    let script = GREETER.replace("VERSION", version);
    fs::write(folder.join("run.sh"), script).context("making a module")?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.join("run.sh"), mode).context("making a module")?;
    Ok(name)
}

const GREETER: &str = r#"#!/bin/sh
echo '{"type":"ready","manifest":{}}'
while read -r line; do
  case "$line" in
    *'"rpc_request"'*) id=${line#*\"id\":\"}; id=${id%%\"*}
      echo "{\"type\":\"rpc_response\",\"id\":\"$id\",\"result\":\"VERSION\"}" ;;
    *'"ping"'*) echo '{"type":"pong"}' ;;
    *'"shutdown"'*) exit 0 ;;
  esac
done
"#;

/// A probation that ends within a trial; no waiting between two starts.
const CONFIG: &str = "update: { probation: 100ms }\nlifecycle: { restartBaseMs: 20 }\n\
    backup: { hourly: 1, daily: 0, weekly: 0 }\n";

/// A binary that becomes the real one: as a kernel's new binary, small enough to be copied in few calls.
const WRAPPED: &str = "#!/bin/sh\nexec PROGRAM \"$@\"\n";

/// Makes all templates, one out of the other.
///
/// # Errors
/// When the binary does not do what it does on a good day.
pub(crate) fn make(world: &World) -> Result<()> {
    world.clear()?;
    for line in ["key generate me", "key root root.json", "key trust me root.json --for greeter"] {
        world.run(line)?.well(line)?;
    }
    fs::write(world.home().join("config.yaml"), CONFIG).context("writing config.yaml")?;
    let other = world.path("other-ostoja");
    fs::write(&other, WRAPPED.replace("PROGRAM", &world.program().display().to_string()))
        .context("a wrapper")?;
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).context("a wrapper")?;
    for version in ["2.0.0", "3.0.0"] {
        let name = greeter(world, version)?;
        world.run(&format!("module pack {name} -o {name}.okm"))?.well("module pack")?;
    }
    greeter(world, "1.0.0")?;
    running(world, "up -d", || {
        world.run("module install greeter-1.0.0")?.well("module install")?;
        world.run("module approve greeter -y")?.well("module approve")?;
        says(world, &["1.0.0"]).map(drop)
    })?;
    world.keep("folder")?;
    running(world, "up -d", || apply(world, "2.0.0"))?;
    world.keep("package")?;
    running(world, "up -d", || {
        world.run("update apply greeter-3.0.0.okm --strategy staged")?.well("update apply")?;
        says(world, &["2.0.0"]).map(drop)
    })?;
    world.keep("waiting")?;
    world.restore("package")?;
    running(world, "up -d", || apply(world, "3.0.0"))?;
    world.keep("third")?;
    world.restore("package")?;
    backups(world)
}

/// Two backups of an old and of a new configuration and module.
fn backups(world: &World) -> Result<()> {
    let data = world.home().join("modules/notes/data");
    fs::create_dir_all(&data).context("making a module")?;
    for (number, word) in ["old", "new"].iter().enumerate() {
        fs::write(data.join("table"), word.repeat(1000)).context("writing a file")?;
        fs::write(data.join(format!("{word}.txt")), word).context("writing a file")?;
        world.run(&format!("config set notes.word {word}"))?.well("config set")?;
        world.run(&format!("backup create --label b{number}"))?.well("backup create")?;
    }
    world.run("backup create")?.well("backup create")?;
    fs::write(data.join("table"), "newest").context("writing a file")?;
    world.run("backup create")?.well("backup create")?;
    fs::write(data.join("table"), "new".repeat(1000)).context("writing a file")?;
    world.keep("backups")
}

fn apply(world: &World, version: &str) -> Result<()> {
    let line = format!("update apply greeter-{version}.okm");
    world.run(&line)?.well(&line)?;
    says(world, &[version])?;
    settled(world)
}

/// Waits until no transaction is on its way.
pub(crate) fn settled(world: &World) -> Result<()> {
    world.until("no transaction is on its way", || {
        let table = world.data("update list")?;
        let rows = table["modules"].as_array().context("a list")?;
        Ok(rows.iter().all(|row| row["phase"].is_null()))
    })
}

/// Waits until the greeter answers with one of these versions; says with which.
pub(crate) fn says(world: &World, versions: &[&str]) -> Result<String> {
    let mut said = String::new();
    world.until(&format!("the greeter says one of {versions:?}"), || {
        let ran = world.run("call greeter hello")?;
        said = ran.stdout.trim().trim_matches('"').to_owned();
        Ok(ran.code == 0)
    })?;
    ensure!(versions.contains(&said.as_str()), "the greeter says {said}, and not one of {versions:?}");
    Ok(said)
}

/// Does something while a kernel runs in the background.
pub(crate) fn running<T>(world: &World, line: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
    world.run(line)?.well(line)?;
    let done = act();
    let down = world.run("down --timeout 10s")?.well("down");
    let done = done?;
    down?;
    Ok(done)
}
