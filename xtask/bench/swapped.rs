//! Both ends of a swap that is measured: `swapped counter` counts its calls and hands the count over, `swapped caller RATE`
//! calls it at that rate and knows what each answer has to be. By hand, so that nothing but the door is measured.

use std::collections::BTreeMap;
use std::io::{BufRead, Write, stdin, stdout};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The text behind `"key":"`, up to the next quote; ids and methods here have no escapes.
fn text<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let from = line.find(&format!("\"{key}\":\""))? + key.len() + 4;
    line[from..].split('"').next()
}

/// The number behind `"key":`.
fn number(line: &str, key: &str) -> Option<u64> {
    let from = line.find(&format!("\"{key}\":"))? + key.len() + 3;
    let digits: String = line[from..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn say(line: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}

fn counter() {
    let mut count = 0_u64;
    for line in stdin().lock().lines().map_while(Result::ok) {
        let id = text(&line, "id").unwrap_or_default();
        match text(&line, "type").unwrap_or_default() {
            "init" => say("{\"type\":\"ready\",\"manifest\":{}}"),
            "ping" => say("{\"type\":\"pong\"}"),
            "shutdown" => return,
            "rpc_request" => {
                count += 1;
                say(&format!("{{\"type\":\"rpc_response\",\"id\":\"{id}\",\"result\":{count}}}"));
            }
            "state:save" => {
                say(&format!(
                    "{{\"type\":\"state:saved\",\"id\":\"{id}\",\"state\":{count},\"version\":\"1\"}}"
                ));
            }
            "state:restore" => {
                count = number(&line, "state").unwrap_or_default();
                say(&format!("{{\"type\":\"state:restored\",\"id\":\"{id}\"}}"));
            }
            _ => {}
        }
    }
}

/// What the caller knows.
#[derive(Default)]
struct Told {
    sent: u64,
    /// When each call that is not answered yet was made.
    open: BTreeMap<u64, Instant>,
    answered: u64,
    failed: u64,
    doubled: u64,
    /// Answers that are not the number of their call: one before it was lost, doubled or overtaken.
    wrong: u64,
    waits_us: Vec<u32>,
}

fn take(told: &mut Told, line: &str) {
    let id: u64 = text(line, "id").and_then(|id| id.parse().ok()).unwrap_or_default();
    let Some(since) = told.open.remove(&id) else {
        told.doubled += 1;
        return;
    };
    told.answered += 1;
    told.waits_us.push(u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX));
    match number(line, "result") {
        Some(result) if result == id => {}
        Some(_) => told.wrong += 1,
        None => told.failed += 1,
    }
}

fn report(told: &mut Told) -> String {
    told.waits_us.sort_unstable();
    let at = |share: f64| {
        let last = told.waits_us.len().saturating_sub(1);
        told.waits_us.get((last as f64 * share) as usize).copied().unwrap_or_default()
    };
    format!(
        "{{\"sent\":{},\"answered\":{},\"open\":{},\"failed\":{},\"doubled\":{},\"wrong\":{},\"p50_us\":{},\"p99_us\":{},\"max_us\":{}}}",
        told.sent,
        told.answered,
        told.open.len(),
        told.failed,
        told.doubled,
        told.wrong,
        at(0.5),
        at(0.99),
        at(1.0)
    )
}

/// Calls at that rate, in bursts of one millisecond.
fn call(told: &Mutex<Told>, per_s: u64) {
    let begun = Instant::now();
    loop {
        let due = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX) * per_s / 1_000_000;
        let mut lines = String::new();
        if let Ok(mut told) = told.lock() {
            while told.sent < due {
                told.sent += 1;
                let id = told.sent;
                told.open.insert(id, Instant::now());
                lines += &format!(
                    "{{\"type\":\"rpc_request\",\"id\":\"{id}\",\"service\":\"counter\",\"method\":\"next\"}}\n"
                );
            }
        }
        if !lines.is_empty() {
            say(lines.trim_end());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn caller(per_s: u64) {
    let told = Arc::new(Mutex::new(Told::default()));
    for line in stdin().lock().lines().map_while(Result::ok) {
        match text(&line, "type").unwrap_or_default() {
            "init" => say("{\"type\":\"ready\",\"manifest\":{}}"),
            "ping" => say("{\"type\":\"pong\"}"),
            "shutdown" => return,
            "deps_ready" => {
                let told = told.clone();
                std::thread::spawn(move || call(&told, per_s));
            }
            "rpc_response" => {
                if let Ok(mut told) = told.lock() {
                    take(&mut told, &line);
                }
            }
            "rpc_request" => {
                if let (Ok(mut told), Some(id)) = (told.lock(), text(&line, "id")) {
                    let report = report(&mut told);
                    say(&format!("{{\"type\":\"rpc_response\",\"id\":\"{id}\",\"result\":{report}}}"));
                }
            }
            _ => {}
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some("caller") => caller(words.get(2).and_then(|rate| rate.parse().ok()).unwrap_or(10_000)),
        _ => counter(),
    }
}
