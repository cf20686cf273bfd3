//! A real kernel for a test: the project it runs, and ways to look at it.

use std::fs;
use std::io::BufRead;

use cli::schema::outputs;
use serde_json::Value;

use crate::runner::{Ran, World};

/// A greeter that is this very binary, a ticker that is a line of shell, and one that fails.
pub(crate) fn project(more: &str) -> String {
    let program = env!("CARGO_BIN_EXE_ostoja");
    format!(
        "lifecycle: {{ restartBaseMs: 50 }}\n\
         modules:\n  \
           greeter: {{ run: [{program:?}, internal, demo-module, greeter], protocol: lines, provides: [greeter] }}\n  \
           ticker: {{ run: 'echo started; sleep 1000', needs: [greeter], ready: {{ log: started }} }}\n{more}"
    )
}

pub(crate) const FAILING: &str = "  failing: { run: 'echo no port >&2; exit 3', max_restarts: 1 }\n";

/// A world with a running kernel, which is stopped with this value.
pub(crate) struct Running {
    pub(crate) world: World,
}

impl Running {
    pub(crate) fn start(project: &str, code: i32) -> (Self, Ran) {
        let world = World::new();
        fs::write(world.path().join("ostoja.yaml"), project).expect("it is ours");
        let ran = world.run("up -d -f ostoja.yaml").expect(code);
        (Self { world }, ran)
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        self.world.run(line)
    }

    #[track_caller]
    pub(crate) fn data(&self, line: &str) -> Value {
        self.run(&format!("--json {line}")).expect(0).json()["data"].take()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.world.run("down --timeout 5s");
    }
}

pub(crate) fn check_schema(verb: &str, value: &Value) {
    let output = outputs().into_iter().find(|output| output.verb == verb).expect("a known verb");
    let validator = jsonschema::validator_for(output.schema.as_value()).expect("a right schema");
    if let Err(error) = validator.validate(value) {
        panic!("`{verb}` prints what its schema forbids: {error} in {value}");
    }
}

/// Whether a process still does anything: one that has ended and was not yet reaped by its parent does not.
pub(crate) fn is_alive(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Reads lines until one holds this text.
pub(crate) fn read_until(lines: &mut impl BufRead, text: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).expect("lines"), 0, "`{text}` did not come in {all}");
        let is_it = line.contains(text);
        all.push_str(&line);
        if is_it {
            return all;
        }
    }
}
