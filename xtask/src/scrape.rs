//! The metrics under a real Prometheus: Debian's, which scrapes a run of the program with the configuration that is handed
//! out in `contrib`. What it understood is held against the page that documents the families, and what the rules and the
//! Grafana dashboard ask for against what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::ci::{apt, bounded};
use crate::served::Served;
use crate::shell;

/// What is handed out.
const CONTRIB: &str = "contrib/prometheus";

/// The page that names every family.
const PAGE: &str = "docs/reference/rest.md";

/// 60 s until everything was scraped: it takes two.
const WITHIN: Duration = Duration::from_secs(60);

/// 100 ms between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// 30 s for `promtool`.
const TOOL_SECONDS: u32 = 30;

/// Something that stays, something that ends badly, so that there are restarts with a cause.
const PROJECT: &str = "name: scraped
lifecycle: { restartBaseMs: 50 }
config: { ostoja-web: { start: true, listen: \"127.0.0.1:0\" } }
modules:
  stays: { run: \"while :; do sleep 1; done\" }
  falls: { run: \"exit 7\", max_restarts: 1 }
";

/// Whether Debian's package is there, or could be installed now.
pub(crate) fn is_there() -> bool {
    let is_found = || shell::on_path("promtool") && shell::on_path("prometheus");
    if !is_found()
        && let Err(error) = apt(&["prometheus"])
    {
        println!("!! prometheus can't be had: {error:#}");
    }
    is_found()
}

/// Checks the rules, their tests and a scrape; how many checks held.
///
/// # Errors
/// The first that does not hold, or what is missing for it.
pub(crate) fn run() -> Result<u64> {
    let folder = std::env::temp_dir().join(format!("ostoja-scrape-{}", std::process::id()));
    std::fs::create_dir_all(&folder).context("making a folder")?;
    let checked = rules(&folder).and_then(|()| live(&folder));
    // What a failed removal leaves is in the system's folder for such things.
    let _ = std::fs::remove_dir_all(&folder);
    checked.map(|()| 3)
}

/// The rules, as Prometheus reads them and as their tests hold them.
fn rules(folder: &Path) -> Result<()> {
    let contrib = shell::root().join(CONTRIB);
    for name in ["prometheus.yml", "ostoja.rules.yml", "ostoja.rules.test.yml"] {
        std::fs::copy(contrib.join(name), folder.join(name)).with_context(|| format!("copying {name}"))?;
    }
    std::fs::write(folder.join("ostoja.token"), "none yet").context("writing a token's file")?;
    for words in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "ostoja.rules.yml"],
        ["test", "rules", "ostoja.rules.test.yml"],
    ] {
        shell::run(bounded(TOOL_SECONDS, "promtool").args(words).current_dir(folder))?;
    }
    Ok(())
}

/// A run that is scraped.
fn live(folder: &Path) -> Result<()> {
    let served = Served::start(&shell::target().join("debug/ostoja"), "scraped", PROJECT)?;
    let checked = scraped(&served, folder);
    served.end()?;
    checked
}

fn scraped(served: &Served, folder: &Path) -> Result<()> {
    std::fs::write(folder.join("ostoja.token"), served.token("viewer")?).context("writing the token")?;
    let own = free_address()?;
    let prometheus = Prometheus::start(folder, &served.address, own)?;
    let families = prometheus.families()?;
    let documented = documented(&std::fs::read_to_string(shell::root().join(PAGE)).context(PAGE)?);
    ensure!(
        families == documented,
        "what Prometheus understood is not what {PAGE} documents:\n  understood: {families:?}\n  documented: {documented:?}"
    );
    println!("{} families, each typed as documented", families.len());
    prometheus.rules_are_well()?;
    let names = prometheus.names()?;
    for file in ["prometheus/ostoja.rules.yml", "grafana/ostoja.json"] {
        let text = std::fs::read_to_string(shell::root().join("contrib").join(file)).context(file)?;
        let asked = named(&text);
        ensure!(!asked.is_empty(), "contrib/{file} asks for nothing");
        let missing: Vec<&String> = asked.difference(&names).collect();
        ensure!(missing.is_empty(), "contrib/{file} asks for what there is not: {missing:?}");
        println!("contrib/{file}: {} metrics, all there", asked.len());
    }
    Ok(())
}

/// Prometheus, until it is dropped.
struct Prometheus {
    child: Child,
    own: SocketAddr,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Starts it with the configuration that is handed out, but for the address and the pace.
    fn start(folder: &Path, address: &str, own: SocketAddr) -> Result<Self> {
        let config = folder.join("prometheus.yml");
        let text = std::fs::read_to_string(&config).context("reading its configuration")?;
        ensure!(text.contains("127.0.0.1:7117") && text.contains("15s"), "the configuration is another one");
        let text = text.replace("127.0.0.1:7117", address).replace("15s", "250ms");
        std::fs::write(&config, text).context("writing its configuration")?;
        let log = std::fs::File::create(folder.join("prometheus.log")).context("making its log")?;
        let child = shell::program("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("samples").display()))
            .arg(format!("--web.listen-address={own}"))
            .arg("--log.level=warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("starting prometheus")?;
        let started = Self { child, own };
        started.until("the target to be up and every module to be told", |it| {
            let up = it.get("/api/v1/query?query=ostoja_module_restarts_total%7Bmodule%3D%22falls%22%7D")?;
            // A decision that is told after this process began is the last thing to come.
            let told = it.get("/api/v1/query?query=ostoja_records_total")?;
            Ok(!rows(&up).is_empty() && !rows(&told).is_empty())
        })?;
        Ok(started)
    }

    /// What it understood of each family: its type.
    fn families(&self) -> Result<BTreeMap<String, String>> {
        let answer = self.get("/api/v1/targets/metadata")?;
        let rows = answer["data"].as_array().context("no metadata")?;
        let of = |row: &Value| {
            let name = row["metric"].as_str().filter(|name| name.starts_with("ostoja_"))?;
            Some((name.to_owned(), row["type"].as_str()?.to_owned()))
        };
        Ok(rows.iter().filter_map(of).collect())
    }

    /// Every name that has a sample.
    fn names(&self) -> Result<BTreeSet<String>> {
        let answer = self.get("/api/v1/label/__name__/values")?;
        let names = answer["data"].as_array().context("no names")?;
        Ok(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn rules_are_well(&self) -> Result<()> {
        self.until("every rule to be evaluated well", |it| {
            let answer = it.get("/api/v1/rules")?;
            let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
            let rules: Vec<Value> = groups
                .iter()
                .flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default())
                .collect();
            if let Some(bad) = rules.iter().find(|rule| rule["health"] == "err") {
                bail!("{}: {}", bad["name"], bad["lastError"]);
            }
            Ok(!rules.is_empty() && rules.iter().all(|rule| rule["health"] == "ok"))
        })
    }

    fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> Result<bool>) -> Result<()> {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < WITHIN {
            match holds(self) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // It is not there yet, or not any more; the deadline tells them apart.
                Err(error) => last = Some(error),
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let last = last.map(|error| format!(": {error:#}")).unwrap_or_default();
        bail!("waited {} s for {what}{last}", WITHIN.as_secs())
    }

    /// One question, in the oldest form of HTTP, whose answer ends with its connection.
    fn get(&self, path: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(self.own).context("prometheus does not listen")?;
        stream.set_read_timeout(Some(WITHIN)).context("setting a deadline")?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").context("asking prometheus")?;
        let mut text = String::new();
        stream.read_to_string(&mut text).context("reading its answer")?;
        let (_, body) = text.split_once("\r\n\r\n").context("an answer without a head")?;
        serde_json::from_str(body).context("an answer that is no JSON")
    }
}

fn rows(answer: &Value) -> Vec<Value> {
    answer["data"]["result"].as_array().cloned().unwrap_or_default()
}

/// An address that nobody has now: Prometheus does not say which one it got.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("finding a free port")?;
    listener.local_addr().context("finding a free port")
}

/// The families that a page documents, with the type that follows from the name: a counter's samples end in `_total`, a
/// histogram is said to be one beside its name.
fn documented(page: &str) -> BTreeMap<String, String> {
    let table = page.lines().filter(|line| line.starts_with("| `ostoja_"));
    let mut found = BTreeMap::new();
    for line in table {
        for span in line.split('`').skip(1).step_by(2).filter(|span| span.starts_with("ostoja_")) {
            let name = span.split('{').next().unwrap_or(span);
            let (name, kind) = match name.strip_suffix("_total") {
                Some(name) => (name, "counter"),
                None if span.ends_with("{le}") => (name, "histogram"),
                None => (name, "gauge"),
            };
            found.insert(name.to_owned(), kind.to_owned());
        }
    }
    found
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    words.filter(|word| word.starts_with("ostoja_")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
