//! A service that adds numbers: a whole module in Rust.
//!
//! The one argument is the service's name, default `adder`, so that a thousand of them can live on one kernel.

use std::process::ExitCode;

use sdk::{Call, Failure, Handlers, LogLevel, Module, Value, json};

fn main() -> ExitCode {
    let service = std::env::args().nth(1).unwrap_or_else(|| "adder".to_owned());
    Module::new()
        .service(&service, add)
        // Adding waits for nobody, so it may run where lines are read: one thread, and the least memory.
        .handlers(Handlers::Inline)
        .on_ready(|handle| Ok(handle.log(LogLevel::Info, "ready to add")?))
        .run()
}

fn add(call: Call) -> Result<Value, Failure> {
    match call.method() {
        "add" => {
            let numbers: Vec<f64> = call.params()?;
            let sum: f64 = numbers.iter().sum();
            if sum.is_finite() { Ok(json!(sum)) } else { Err(Failure::new("the sum is too large")) }
        }
        other => Err(Failure::new(format!("Unknown method: {other}"))),
    }
}
