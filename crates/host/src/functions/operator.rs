//! Functions for operators: what is put, run, listed and removed at the door, and the rows that tell of it.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use abi::Permissions;
use protocol::operator::{FunctionRow, FunctionStats};
use serde_json::Value;
use tokio::sync::oneshot;
use wasm::TEXT_BYTES_MAX;
use wasm::functions::{Caller, Form, Function, RunLimits};

use super::{RUN_TIME_MAX, Worked};
use crate::shell::Shell;
use crate::translate::permissions_json;

/// Where a function's code is.
#[derive(Debug)]
pub(crate) enum Source {
    /// In this file, which the kernel reads.
    File(PathBuf),
    /// WebAssembly as text.
    Text(String),
}

impl Shell {
    /// Checks, compiles and keeps a function.
    pub(crate) fn put_function(
        &mut self,
        name: String,
        source: Source,
        permissions: Permissions,
    ) -> oneshot::Receiver<Worked<Result<FunctionRow, String>>> {
        let now = self.now();
        self.with_functions(move |cache| {
            let code = match source {
                Source::Text(text) => text.into_bytes(),
                Source::File(path) => match read(&path) {
                    Ok(code) => code,
                    Err(why) => return Ok(Err(format!("`{}` can't be read: {why}", path.display()))),
                },
            };
            let put = cache.put(now, &Caller::Operator, &name, &permissions, &code)?;
            Ok(Ok(row_of(&put)))
        })
    }

    /// Runs one.
    pub(crate) fn run_function(
        &mut self,
        name: String,
        input: Option<Value>,
        timeout_ms: Option<u64>,
    ) -> oneshot::Receiver<Worked<Vec<u8>>> {
        let now = self.now();
        let limits = run_limits(timeout_ms);
        self.with_functions(move |cache| {
            let input = input.unwrap_or(Value::Null).to_string();
            cache.run(now, &Caller::Operator, &name, input.as_bytes(), &limits)
        })
    }

    pub(crate) fn list_functions(&mut self) -> oneshot::Receiver<Worked<Vec<FunctionRow>>> {
        self.with_functions(|cache| Ok(cache.list().iter().map(|function| row_of(function)).collect()))
    }

    pub(crate) fn remove_function(&mut self, name: String) -> oneshot::Receiver<Worked<()>> {
        self.with_functions(move |cache| cache.remove(&Caller::Operator, &name))
    }

    pub(crate) fn function_stats(&mut self) -> oneshot::Receiver<Worked<FunctionStats>> {
        self.with_functions(|cache| Ok(stats_of(cache.stats())))
    }
}

/// Up to what can be a function's source.
fn read(path: &std::path::Path) -> Result<Vec<u8>, String> {
    let mut code = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut code).map_err(|error| error.to_string())?;
    if code.len() > TEXT_BYTES_MAX {
        Err(format!("it has more than {TEXT_BYTES_MAX} bytes"))
    } else {
        Ok(code)
    }
}

/// What one call may use up: what its caller wants, within the bound.
pub(super) fn run_limits(timeout_ms: Option<u64>) -> RunLimits {
    let wanted = timeout_ms.map(Duration::from_millis).unwrap_or(RunLimits::STANDARD.deadline);
    RunLimits { deadline: wanted.clamp(Duration::from_millis(1), RUN_TIME_MAX), ..RunLimits::STANDARD }
}

/// One function as operators and modules see it.
pub(super) fn row_of(function: &Function) -> FunctionRow {
    FunctionRow {
        name: function.name.to_string(),
        owner: function.owner.to_string(),
        form: match function.form {
            Form::Core => "core".to_owned(),
            Form::Component => "component".to_owned(),
        },
        imports: function.imports.iter().map(|import| import.as_str().to_owned()).collect(),
        permissions: permissions_json(&function.permissions),
        content: function.content.to_string(),
    }
}

fn stats_of(stats: wasm::functions::FunctionStats) -> FunctionStats {
    FunctionStats {
        functions: stats.functions as u64,
        warm: stats.warm as u64,
        warm_bytes: stats.warm_bytes,
        on_disk: stats.on_disk as u64,
        disk_bytes: stats.disk_bytes,
        runs: stats.runs,
        runs_failed: stats.runs_failed,
        compiled: stats.compiled,
        from_disk: stats.from_disk,
        waited: stats.waited,
        evicted_by_weight: stats.evicted_by_weight,
        evicted_by_age: stats.evicted_by_age,
    }
}
