//! A kernel driven by lines of text that answers in lines of text.
//!
//! ```text
//! module ID WORD...            what a discovery finds from now on (words: see `words`)
//! discover [ID...]             a discovery finds these, or all known ones;  add ID: one more, by hand
//! settings NAME=VALUE...       rules of the house;  config SECTION...: sections changed
//! grants ID none | WORD...     what is approved now
//! spawned|ready|up ID...       the process runs; is ready; both
//! spawn-fails|spawn-refused ID WHY     exit ID CODE | exit ID signal N | breaks ID WHAT
//! ID says WHAT...              ready pong ack nack publish call answer cancel progress chunk end credit kernel
//! order N context SCOPE set|delete ...    an operator's change of a variable
//! full call|part HOP ID        that frame found a full queue
//! order N WHAT...              an operator's order;  depart N
//! recalled ID STATE VERSION | recalled ID nothing    what an earlier life left
//! manner ID swap|keep|restart  how the next change of its files is taken up
//! wait MS                      time passes, timers fire at their moments
//! view ID...                   shows modules as they are;  quiet: drops what was heard so far
//! ```
//! `ID#N` instead of `ID` means an earlier life. The simulator runs the scenarios of `conformance/vectors` with it.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use core::time::Duration;

use abi::{ExitKind, Generation, Pattern, Payload, RequestId, Scope, Slot, Time};
use kernel::{
    Attempt, CallContext, Carry, ContextCall, ContextVerb, Discovered, Door, Effect, Ensemble, Event,
    FunctionCall, Grants, Incoming, KernelCall, Manner, NetBearer, Order, Outcome, Settings, SpawnFault,
    Undelivered, Word,
};

use super::lines::Names;
use super::words::{self, module_id, name, number, permissions};

type Parsed<T> = Result<T, String>;

/// A kernel, the time, and what was found so far.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) kernel: Ensemble,
    pub(crate) now: Time,
    found: BTreeMap<String, Discovered>,
    settings: Settings,
    names: Names,
    told_at: Time,
    heard: Vec<String>,
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self {
            kernel: Ensemble::new(1),
            now: Time(0),
            found: BTreeMap::new(),
            settings: Settings::default(),
            names: Names::default(),
            told_at: Time(0),
            heard: Vec::new(),
        }
    }

    /// Runs one line and gives what the kernel wanted done, line by line; says what it did not understand.
    pub(crate) fn step(&mut self, line: &str) -> Parsed<Vec<String>> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "module" => {
                let one = words::discovered(rest)?;
                self.found.insert(one.spec.id.to_string(), one);
            }
            "wait" => self.wait(Duration::from_millis(number(rest)?)),
            "view" => rest.split_whitespace().try_for_each(|id| self.view(id))?,
            "up" => {
                for id in rest.split_whitespace() {
                    let (spawned, ready) = (self.process("spawned", id)?, self.process("ready", id)?);
                    self.happen(spawned);
                    self.happen(ready);
                }
            }
            "spawned" | "ready" => {
                for id in rest.split_whitespace() {
                    let event = self.process(word, id)?;
                    self.happen(event);
                }
            }
            _ => {
                let event = self.event(word, rest)?;
                self.happen(event);
            }
        }
        Ok(core::mem::take(&mut self.heard))
    }

    /// Something happens now.
    pub(crate) fn happen(&mut self, event: Event) {
        self.kernel.handle(self.now, event);
        self.listen();
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, wait: Duration) {
        let until = self.now + wait;
        while let Some(at) = self.kernel.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.kernel.handle_timeout(self.now);
            self.listen();
        }
        self.now = until;
    }

    fn listen(&mut self) {
        self.names.learn(&self.kernel);
        while let Some(effect) = self.kernel.poll_effect() {
            if self.told_at != self.now {
                self.told_at = self.now;
                self.heard.push(format!("at {}", self.now));
            }
            let line = self.names.line(&effect);
            self.heard.push(line);
            if let Effect::SaveGrants(id, grants) = effect
                && let Some(one) = self.found.get_mut(id.as_str())
            {
                one.grants = grants;
            }
        }
    }

    fn view(&mut self, id: &str) -> Parsed<()> {
        let slot = self.kernel.find(id).ok_or_else(|| format!("no module {id}"))?;
        let view = self.kernel.view(slot).ok_or_else(|| format!("no view of {id}"))?;
        let mut line = format!("view {id} {} restarts={}", view.state, view.restart_count);
        line += &view.restart_at.map(|at| format!(" restart_at={at}")).unwrap_or_default();
        line += &view.reason.map(|reason| format!(" reason={reason}")).unwrap_or_default();
        line += &format!(" note={:?}", view.note);
        self.heard.push(line);
        Ok(())
    }

    /// The seat and a life of a module: `id` for its last one, `id#3` for another.
    pub(crate) fn life(&self, text: &str) -> Parsed<(Slot, Generation)> {
        let (id, life) = text.split_once('#').map_or((text, None), |(id, life)| (id, Some(life)));
        let slot = self.kernel.find(id).ok_or_else(|| format!("no module {id}"))?;
        let generation = match life {
            Some(life) => Generation(number(life)?),
            None => self
                .kernel
                .view(slot)
                .and_then(|view| view.generation)
                .ok_or_else(|| format!("{id} has no process"))?,
        };
        Ok((slot, generation))
    }

    fn process(&self, word: &str, id: &str) -> Parsed<Event> {
        let (slot, generation) = self.life(id)?;
        let plain = self.kernel.spec(slot).is_some_and(|spec| spec.door == Door::Plain);
        Ok(match word {
            "spawned" => Event::Spawned(slot, generation),
            _ if plain => Event::ReadySeen(slot, generation),
            _ => Event::Said(slot, generation, Incoming::Ready),
        })
    }

    fn event(&mut self, word: &str, rest: &str) -> Parsed<Event> {
        let (first, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        Ok(match word {
            "discover" => Event::Discovered(self.pick(rest)?),
            "add" => Event::Added(self.pick(rest)?.remove(0)),
            "settings" => {
                words::change_settings(&mut self.settings, rest)?;
                Event::Settings(self.settings.clone())
            }
            "config" => Event::ConfigChanged(rest.split_whitespace().map(ToString::to_string).collect()),
            "grants" => Event::GrantsChanged(vec![(module_id(first)?, grants(rest)?)]),
            "spawn-fails" | "spawn-refused" => {
                let fault = if word == "spawn-fails" { SpawnFault::Failed } else { SpawnFault::Refused };
                let (slot, generation) = self.life(first)?;
                Event::SpawnFailed(slot, generation, fault, tail.to_string())
            }
            "exit" => {
                let (slot, generation) = self.life(first)?;
                let exit = match tail.strip_prefix("signal ") {
                    Some(signal) => ExitKind::Signal(number(signal)?),
                    None => ExitKind::Code(number(tail)?),
                };
                Event::Exited(slot, generation, exit)
            }
            "net-carried" => {
                let (slot, generation) = self.life(first)?;
                let bearer = if tail == "told" { NetBearer::BrokerAndProgram } else { NetBearer::Broker };
                Event::NetCarried(slot, generation, bearer)
            }
            "net-open" => {
                let (slot, generation) = self.life(first)?;
                Event::NetStillOpen(slot, generation, tail.to_string())
            }
            "breaks" => {
                let (slot, generation) = self.life(first)?;
                Event::Tried(slot, generation, Attempt::BreakLane { fault: tail.to_string() })
            }
            "full" => {
                let (hop, id) = tail.split_once(' ').ok_or("full call|part HOP ID")?;
                let (slot, generation) = self.life(id)?;
                let hop = number(hop)?;
                let what = if first == "call" { Undelivered::Call(hop) } else { Undelivered::Part(hop) };
                Event::Undelivered(slot, generation, what)
            }
            "recalled" => {
                let (slot, generation) = self.life(first)?;
                let left = match tail.split_once(' ') {
                    Some((state, version)) => Some((bytes(state), name(version)?)),
                    None => None,
                };
                Event::Recalled(slot, generation, left)
            }
            "order" => Event::Ordered(RequestId(number(first)?), self.order(tail)?),
            "manner" => Event::Manner(module_id(first)?, manner(tail)?),
            "together" => {
                let all = first.split(',').map(module_id).collect::<Parsed<_>>()?;
                Event::Together(all, manner(tail)?)
            }
            "depart" => Event::Departed(RequestId(number(first)?)),
            id if first == "says" => {
                let (slot, generation) = self.life(id)?;
                Event::Said(slot, generation, incoming(tail)?)
            }
            _ => return Err(format!("not understood: {word} {rest}")),
        })
    }

    fn pick(&self, ids: &str) -> Parsed<Vec<Discovered>> {
        let known = |id: &str| self.found.get(id).cloned().ok_or_else(|| format!("unknown module {id}"));
        match ids {
            "" => Ok(self.found.values().cloned().collect()),
            "nothing" => Ok(Vec::new()),
            ids => ids.split_whitespace().map(known).collect(),
        }
    }

    fn order(&self, text: &str) -> Parsed<Order> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words[..] {
            ["start", id] => Order::Start(module_id(id)?),
            ["stop", id] => Order::Stop(module_id(id)?),
            ["restart", id] => Order::Restart(module_id(id)?),
            ["reinstate", id] => Order::Reinstate(module_id(id)?),
            ["swap", id] => Order::Swap(module_id(id)?, Carry::AsOffered),
            ["swap-empty", id] => Order::Swap(module_id(id)?, Carry::Nothing),
            ["await-swap", id] => Order::AwaitSwap(module_id(id)?),
            ["release", id] => Order::Release(module_id(id)?),
            ["remove", id] => Order::Remove(module_id(id)?),
            ["cut"] => Order::Cut,
            ["shutdown"] => Order::Shutdown,
            ["settle"] => Order::Settle,
            ["promote", id] => Order::Promote(module_id(id)?),
            ["reset-zone", zone] => Order::ResetZone(abi::Zone::parse(zone).ok_or("no such zone")?),
            ["restart-zone", zone] => Order::RestartZone(abi::Zone::parse(zone).ok_or("no such zone")?),
            ["safe-mode", ref why @ ..] => Order::SafeMode(why.join(" ")),
            ["resume"] => Order::Resume,
            ["grant", id, these] => Order::Grant(module_id(id)?, permissions(these)?),
            ["deny", id, these] => Order::Deny(module_id(id)?, permissions(these)?),
            ["revoke", id, these] => Order::Revoke(module_id(id)?, permissions(these)?),
            ["grant-wish", place] => Order::GrantRequest(self.wish(place)?),
            ["deny-wish", place] => Order::DenyRequest(self.wish(place)?),
            ["publish", topic, payload] => Order::Publish { topic: name(topic)?, payload: bytes(payload) },
            ["context", scope, method, ref rest @ ..] => {
                let scope = Scope::parse(scope).ok_or("no scope")?;
                Order::Context(scope, context_verb(&format!("context.{method}"), rest)?)
            }
            ["subscribe", ref topics @ ..] => {
                Order::Subscribe(topics.iter().map(|topic| name(topic)).collect::<Parsed<_>>()?)
            }
            ["call", service, method, ref rest @ ..] => {
                let timeout = rest.iter().find_map(|word| word.strip_prefix("within="));
                let params = rest.iter().find(|word| !word.starts_with("within="));
                Order::Call {
                    service: name(service)?,
                    method: name(method)?,
                    params: params.map(|params| bytes(params)),
                    timeout_ms: timeout.map(number).transpose()?,
                }
            }
            _ => return Err(format!("no such order: {text}")),
        })
    }

    fn wish(&self, place: &str) -> Parsed<u128> {
        // A place that nothing has yet stands for a number that nothing has.
        Ok(self.names.wish(number(place)?).unwrap_or_default())
    }
}

fn grants(text: &str) -> Parsed<Option<Grants>> {
    match text.split_once(' ') {
        Some((_, "none")) => Ok(None),
        _ => Ok(Some(words::discovered(text)?.grants)),
    }
}

fn manner(word: &str) -> Parsed<Manner> {
    Ok(match word {
        "swap" => Manner::Swap,
        "keep" => Manner::SwapAndKeep,
        "restart" => Manner::Restart,
        _ => return Err(format!("no such manner: {word}")),
    })
}

fn incoming(text: &str) -> Parsed<Incoming> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words[..] {
        ["ready"] => Incoming::Ready,
        ["pong"] => Incoming::Pong,
        ["saved", id, state, version] => {
            Incoming::StateSaved { id: name(id)?, state: bytes(state), version: name(version)? }
        }
        ["restored", id] => Incoming::StateRestored { id: name(id)? },
        ["ack"] => Incoming::Ack,
        ["nack", id, ref error @ ..] => Incoming::Nack { id: name(id)?, error: error.join(" ") },
        ["publish", topic, ref rest @ ..] => {
            let payload = bytes(rest.first().copied().unwrap_or("null"));
            Incoming::Publish { topic: name(topic)?, payload, context: context(rest)? }
        }
        ["call", id, service, method, ref rest @ ..] => Incoming::Call {
            id: name(id)?,
            service: name(service)?,
            method: name(method)?,
            params: rest.iter().find(|word| !word.contains('=')).map(|params| bytes(params)),
            context: context(rest)?,
        },
        ["answer", id, "error", ref error @ ..] => {
            Incoming::Answer { id: name(id)?, outcome: Outcome::Error(error.join(" ")) }
        }
        ["answer", id, ref result @ ..] => {
            let result = result.first().map(|result| bytes(result));
            Incoming::Answer { id: name(id)?, outcome: Outcome::Result(result) }
        }
        ["cancel", id] => Incoming::Cancel { id: name(id)? },
        ["progress", id, payload] => Incoming::Progress { id: name(id)?, payload: bytes(payload) },
        ["chunk", id, seq, data] => Incoming::Chunk { id: name(id)?, seq: number(seq)?, data: bytes(data) },
        ["end", id] => Incoming::End { id: name(id)? },
        ["credit", id, parts] => Incoming::Credit { id: name(id)?, parts: number(parts)? },
        ["kernel-answer", id] => Incoming::KernelAnswer { id: name(id)? },
        ["kernel", id, method, ref rest @ ..] => {
            Incoming::KernelCall { id: name(id)?, call: kernel_call(method, rest)? }
        }
        _ => return Err(format!("nothing to say: {text}")),
    })
}

fn kernel_call(method: &str, rest: &[&str]) -> Parsed<KernelCall> {
    let first = rest.first().copied().unwrap_or_default();
    let others = || rest.get(1..).filter(|words| !words.is_empty()).map(|words| words.join(" "));
    Ok(match method {
        "config.get" => KernelCall::ConfigGet(name(first)?),
        "config.set" => KernelCall::ConfigSet(name(first)?, bytes(&others().unwrap_or_default())),
        "config.sections" => KernelCall::ConfigSections,
        "module.list" => KernelCall::ModuleList,
        "module.commands" => KernelCall::ModuleCommands,
        "service.discover" => KernelCall::ServiceDiscover,
        "service.resolve" => KernelCall::ServiceResolve(name(first)?),
        "permissions.check" => KernelCall::PermissionsCheck(permissions(first)?),
        "permissions.request" => KernelCall::PermissionsRequest(permissions(first)?, others()),
        "permissions.pending" => KernelCall::PermissionsPending,
        "monitor.snapshot" => KernelCall::MonitorSnapshot,
        "secret.get" => KernelCall::SecretGet(name(first)?),
        method if method.starts_with("context.") => {
            // `in=SCOPE` may stand anywhere.
            let scope = rest.iter().find_map(|word| word.strip_prefix("in=")).and_then(Scope::parse);
            let rest: Vec<&str> = rest.iter().copied().filter(|word| !word.starts_with("in=")).collect();
            KernelCall::Context(ContextCall { scope, verb: context_verb(method, &rest)? })
        }
        "fn.list" => KernelCall::Function(FunctionCall::List),
        "fn.rm" => KernelCall::Function(FunctionCall::Remove { name: name(first)? }),
        "bad" => KernelCall::Bad(rest.join(" ")),
        unknown => KernelCall::Unknown(name(unknown)?),
    })
}

/// `context.set KEY VALUE [TTL_MS]`, `context.list [PATTERN]`, `context.unwatch NUMBER`, …
fn context_verb(method: &str, rest: &[&str]) -> Parsed<ContextVerb> {
    let first = rest.first().copied().unwrap_or_default();
    let pattern = || rest.first().and_then(|text| Pattern::parse(text));
    Ok(match method {
        "context.get" => ContextVerb::Get(name(first)?),
        "context.set" => {
            let value = bytes(rest.get(1).copied().unwrap_or("null"));
            let ttl_ms = rest.get(2).copied().map(number).transpose()?;
            ContextVerb::Set { key: name(first)?, value, ttl_ms }
        }
        "context.delete" => ContextVerb::Delete(name(first)?),
        "context.list" => ContextVerb::List(pattern()),
        "context.watch" => ContextVerb::Watch(pattern()),
        "context.unwatch" => ContextVerb::Unwatch(number(first)?),
        _ => return Err(format!("no such method: {method}")),
    })
}

fn context(words: &[&str]) -> Parsed<CallContext> {
    let find = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
    let deadline_ms = find("deadline=").map(number).transpose()?;
    let traceparent: Option<Word> = find("trace=").map(name).transpose()?;
    Ok(CallContext { deadline_ms, traceparent })
}

fn bytes(text: &str) -> Payload {
    Payload::new(text.as_bytes())
}
