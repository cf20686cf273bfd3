//! Conversations that go on: bounded, each of one token or session of ours, gone when nothing is said for half an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use mcp::serve::{Act, Server};
use protocol::operator::Response;
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use crate::access::{Who, random_text};
use crate::problem::Problem;

/// 128 conversations; the one that was silent longest gives way.
const TALKS_MAX: usize = 128;

/// 16 of one token or session: an agent that forgets to end its conversations takes nobody else's place.
const TALKS_OF_ONE_MAX: usize = 16;

/// 30 min without a word: agents think long, and begin anew when told to.
const SILENT_MAX: Duration = Duration::from_secs(30 * 60);

/// 16 hex digits of chance make the seed of the words of confirmation.
const SEED_DIGITS: usize = 16;

/// One conversation.
#[derive(Debug)]
pub(crate) struct Talk {
    /// Whose it is: [`Who::key`].
    key: String,
    server: Mutex<Server>,
    /// Who waits for an answer that the user has a word in, by the request's number.
    waiting: Mutex<HashMap<String, Sender<Value>>>,
    begun: Instant,
    used: Mutex<Instant>,
}

impl Talk {
    fn new(who: &Who, now: Instant) -> Result<Self, Problem> {
        let text = random_text().map_err(|_| no_chance())?;
        let seed = u64::from_str_radix(&text[..SEED_DIGITS], 16).unwrap_or_default();
        let server = Server::new(who.behalf.role, env!("CARGO_PKG_VERSION"), seed);
        Ok(Self {
            key: who.key.clone(),
            server: Mutex::new(server),
            waiting: Mutex::default(),
            begun: now,
            used: Mutex::new(now),
        })
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        // Each call leaves it whole.
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message has come.
    pub(super) fn handle(&self, text: &str) -> Vec<Act> {
        self.server().handle(self.begun.elapsed(), text)
    }

    /// The door has answered.
    pub(super) fn answered(&self, ticket: u64, response: Response) -> Vec<Act> {
        self.server().answered(self.begun.elapsed(), ticket, response)
    }

    /// Lets somebody wait for the answer to this request, whichever message brings it.
    pub(super) fn wait(&self, id: &Value, sender: Sender<Value>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, sender| !sender.is_closed());
        waiting.insert(id.to_string(), sender);
    }

    /// Who waits for the answer to this request.
    pub(super) fn waiter(&self, id: &Value) -> Option<Sender<Value>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.to_string())
    }

    fn silent_since(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of them, by the id that their client names.
#[derive(Debug, Default)]
pub(crate) struct Talks {
    talks: Mutex<HashMap<String, Arc<Talk>>>,
}

impl Talks {
    fn talks(&self) -> MutexGuard<'_, HashMap<String, Arc<Talk>>> {
        // What is half changed after a panic is at worst one conversation too many.
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session; gives its id too.
    ///
    /// # Errors
    /// The system gives no chance.
    pub(super) fn begin(&self, who: &Who) -> Result<(String, Arc<Talk>), Problem> {
        let id = random_text().map_err(|_| no_chance())?;
        let talk = self.put(id.clone(), who)?;
        Ok((id, talk))
    }

    /// What remembers for requests that stand for themselves what was planned and not yet agreed to.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(super) fn stateless(&self, who: &Who) -> Result<Arc<Talk>, Problem> {
        // No id that a client can name: those have no blanks.
        let id = format!("of {}", who.key);
        match self.find(who, &id) {
            Some(talk) => Ok(talk),
            None => self.put(id, who),
        }
    }

    fn put(&self, id: String, who: &Who) -> Result<Arc<Talk>, Problem> {
        let now = Instant::now();
        let talk = Arc::new(Talk::new(who, now)?);
        let mut talks = self.talks();
        talks.retain(|_, talk| now.saturating_duration_since(talk.silent_since()) < SILENT_MAX);
        let of_one = talks.values().filter(|talk| talk.key == who.key).count();
        if of_one >= TALKS_OF_ONE_MAX {
            give_way(&mut talks, |talk| talk.key == who.key);
        } else if talks.len() >= TALKS_MAX {
            give_way(&mut talks, |_| true);
        }
        talks.insert(id, talk.clone());
        Ok(talk)
    }

    /// The conversation of this id, if it is of who asks.
    pub(super) fn find(&self, who: &Who, id: &str) -> Option<Arc<Talk>> {
        let talk = self.talks().get(id).cloned()?;
        let now = Instant::now();
        if talk.key != who.key || now.saturating_duration_since(talk.silent_since()) >= SILENT_MAX {
            return None;
        }
        *talk.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Some(talk)
    }

    /// It is over; who still waits for an answer of it waits no longer.
    pub(super) fn end(&self, id: &str) {
        self.talks().remove(id);
    }
}

/// The one that was silent longest, of those that may have to.
fn give_way(talks: &mut HashMap<String, Arc<Talk>>, may: impl Fn(&Talk) -> bool) {
    let oldest = talks.iter().filter(|(_, talk)| may(talk)).min_by_key(|(_, talk)| talk.silent_since());
    if let Some(id) = oldest.map(|(id, _)| id.clone()) {
        talks.remove(&id);
    }
}

fn no_chance() -> Problem {
    let text = "the system gives no random numbers";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "web::mcp::chance", text)
}
