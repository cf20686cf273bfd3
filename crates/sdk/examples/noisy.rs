//! A module that does what modules should not do: prints, starts noisy children, and hangs. The SDK's tests start it.

use std::io::{Read, Write};
use std::process::{Command, ExitCode};
use std::time::Duration;

use sdk::{Call, Failure, Module, Value, json};

fn main() -> ExitCode {
    Module::new().service("noisy", noise).run()
}

fn noise(call: Call) -> Result<Value, Failure> {
    match call.method() {
        "print" => {
            writeln!(std::io::stdout(), "printed by the module")?;
            Command::new("echo").arg("printed by a child").status()?;
            Ok(Value::Null)
        }
        "read" => {
            let mut eaten = String::new();
            std::io::stdin().read_to_string(&mut eaten)?;
            Ok(json!(eaten))
        }
        "hang" => {
            writeln!(std::io::stderr(), "hanging")?;
            std::thread::sleep(Duration::from_secs(3600));
            Ok(Value::Null)
        }
        other => Err(Failure::new(format!("Unknown method: {other}"))),
    }
}
