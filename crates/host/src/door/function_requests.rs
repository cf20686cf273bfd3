//! Requests about functions: put, run, list, remove, and the cache's numbers. All of it is done by workers' threads.

use std::path::{Path, PathBuf};

use protocol::operator::Request;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::connection::Caller;
use super::permission_requests::permissions;
use super::reply::{self, Done, Refusal};
use crate::functions::{CacheError, Source, Worked};

/// Does what is asked about functions.
pub(super) async fn handle(caller: &Caller, request: Request) -> Done {
    let shell = &caller.shell;
    match request {
        Request::FunctionPut { name, file, source, permissions: wanted } => {
            let source = source_of(file, source)?;
            let bad = |why: String| Refusal::new("host::door::bad_request", why);
            let wanted = permissions(&wanted).map_err(bad)?;
            let begun = shell.borrow_mut().put_function(name, source, wanted);
            match worked(begun).await? {
                Ok(row) => reply::data(&row),
                Err(why) => Err(Refusal::new("host::function::unreadable", why)),
            }
        }
        Request::FunctionRun { name, input, timeout_ms } => {
            let begun = shell.borrow_mut().run_function(name, input, timeout_ms);
            let output = worked(begun).await?;
            // The cache has looked at it: it is JSON.
            Ok(Some(serde_json::from_slice(&output).unwrap_or(Value::Null)))
        }
        Request::FunctionRemove { name } => {
            let begun = shell.borrow_mut().remove_function(name.clone());
            worked(begun).await?;
            Ok(Some(json!({ "name": name })))
        }
        Request::FunctionStats {} => {
            let begun = shell.borrow_mut().function_stats();
            reply::data(&worked(begun).await?)
        }
        _ => {
            let begun = shell.borrow_mut().list_functions();
            reply::data(&worked(begun).await?)
        }
    }
}

fn source_of(file: Option<String>, source: Option<String>) -> Result<Source, Refusal> {
    let refused = |why: &str| Err(Refusal::new("host::door::bad_request", why));
    match (file, source) {
        (Some(file), None) if Path::new(&file).is_absolute() => Ok(Source::File(PathBuf::from(file))),
        (Some(_), None) => refused("file is no absolute path"),
        (None, Some(text)) => Ok(Source::Text(text)),
        (None, None) | (Some(_), Some(_)) => refused("either file or source is required"),
    }
}

async fn worked<R>(begun: oneshot::Receiver<Worked<R>>) -> Result<R, Refusal> {
    begun.await.unwrap_or(Err(CacheError::Died)).map_err(|error| match error.answered() {
        // Its own words are for whoever called it.
        Some(text) => Refusal::new("wasm::function::answered", text),
        None => Refusal::of(&error),
    })
}
