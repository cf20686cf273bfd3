//! Who asks, over TCP: tokens for programs, sessions for browsers, and codes that begin a session once.
//!
//! All three are random texts that are shown once. What is kept on the disk and in memory is their hash: of tokens by
//! Argon2id, as they live long and may be copied with a backup; of sessions and codes by SHA-256, as they are looked up
//! by it and end soon. Nothing here knows HTTP.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::operator::{OnBehalf, Role};
use serde::{Deserialize, Serialize};

use crate::kept;
use crate::options::WebError;

mod secret;
mod wrong;

#[cfg(test)]
mod tests;

pub(crate) use secret::{Digest, hex, random_text};
use secret::{TokenHash, digest};
use wrong::Wrong;

/// The cookie's name where there is no TLS, as on the loopback.
pub(crate) const COOKIE: &str = "ostoja_session";

/// Its name over TLS: browsers take one of such a name only from this very host and over TLS, so that none of a neighbouring
/// name's can be put in its place.
pub(crate) const SAFE_COOKIE: &str = "__Host-ostoja_session";

/// What every token begins with, so that scanners for leaked secrets can find one.
pub(crate) const TOKEN_PREFIX: &str = "ostoja_";

/// Tokens, sessions and codes.
const FILE: &str = "access.json";

/// 12 hours: a working day, so that nobody logs in twice on one.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// 5 minutes: from the terminal to the browser.
const CODE_LIFE: Duration = Duration::from_secs(5 * 60);

/// 100 years in milliseconds: a longer life is a slip of the keyboard.
const LIFE_MS_MAX: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// 256 tokens: people name them, so there are few.
const TOKENS_MAX: usize = 256;

/// 256 sessions; the oldest gives way.
const SESSIONS_MAX: usize = 256;

/// 32 codes that wait for their browser; the oldest gives way.
const CODES_MAX: usize = 32;

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenRow {
    /// Its number, as hex digits; a part of the token itself.
    pub(crate) id: String,
    /// Whose it is, in their own words.
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) created_at_ms: u64,
    /// When it ends, if it does.
    pub(crate) expires_at_ms: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    row: TokenRow,
    hash: TokenHash,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// What a page has to send along with a change, which another page can't know.
    pub(crate) csrf: String,
    pub(crate) expires_at_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Code {
    digest: Digest,
    role: Role,
    expires_at_ms: u64,
}

/// How somebody showed who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// They may open the socket in the home.
    Socket,
    Token,
    Session,
}

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) behalf: OnBehalf,
    pub(crate) by: By,
    /// What tells this token or session from all others; nothing of it lets anybody in.
    pub(crate) key: String,
    /// Of a session.
    pub(crate) csrf: Option<String>,
    pub(crate) expires_at_ms: Option<u64>,
}

impl Who {
    /// Whoever may open the socket in the home is its owner.
    pub(crate) fn owner() -> Self {
        let behalf = OnBehalf { name: "owner".to_owned(), role: Role::Admin };
        Self { behalf, by: By::Socket, key: String::new(), csrf: None, expires_at_ms: None }
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is none, or none any more.
    Unknown,
    /// There were too many wrong ones.
    TooMany,
}

/// What can't be done with tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error("a name has 1 to 64 characters, none of them a control character")]
    Name,
    #[error("{LIFE_MS_MAX} ms is the longest life")]
    Life,
    #[error("there are {TOKENS_MAX} tokens already")]
    Full,
    #[error("there is no such token")]
    NoToken,
    #[error("it could not be kept")]
    Keep(#[source] WebError),
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    tokens: Vec<Token>,
    sessions: HashMap<Digest, Session>,
    codes: Vec<Code>,
}

/// Everything that lets somebody in.
#[derive(Debug)]
pub(crate) struct Access {
    file: kept::File,
    inner: Mutex<Inner>,
    /// One guess at a time costs Argon2id's memory.
    guess: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// Tokens that were verified, by the SHA-256 of their text: Argon2id is paid once for each.
    verified: HashMap<Digest, String>,
    wrong: Wrong,
}

impl Access {
    /// Reads what was kept.
    ///
    /// # Errors
    /// [`WebError::State`].
    pub(crate) fn open(folder: &Path) -> Result<Self, WebError> {
        let file = kept::File::at(folder, FILE);
        let state: State = file.read()?;
        let inner = Inner { state, verified: HashMap::new(), wrong: Wrong::default() };
        Ok(Self { file, inner: Mutex::new(inner), guess: tokio::sync::Mutex::default() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What is half changed after a panic is at worst a session too many or too few.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a code that begins a session of this role once.
    pub(crate) fn make_code(&self, role: Role, now_ms: u64) -> Result<(String, u64), AccessError> {
        let text = random_text().map_err(|error| AccessError::Keep(WebError::System(error)))?;
        let expires_at_ms = now_ms + millis(CODE_LIFE);
        let mut inner = self.inner();
        inner.state.codes.retain(|code| code.expires_at_ms > now_ms);
        if inner.state.codes.len() >= CODES_MAX {
            inner.state.codes.remove(0);
        }
        inner.state.codes.push(Code { digest: digest(&text), role, expires_at_ms });
        self.keep(&inner.state)?;
        Ok((text, expires_at_ms))
    }

    /// Takes a code and begins a session: the cookie's text and the session.
    pub(crate) fn login(&self, from: IpAddr, code: &str, now_ms: u64) -> Result<(String, Session), Refused> {
        let mut inner = self.inner();
        if inner.wrong.is_too_many(from, now_ms) {
            return Err(Refused::TooMany);
        }
        let wanted = digest(code);
        let Some(place) = inner.state.codes.iter().position(|code| code.digest == wanted) else {
            inner.wrong.count(from, now_ms);
            return Err(Refused::Unknown);
        };
        let code = inner.state.codes.remove(place);
        if code.expires_at_ms <= now_ms {
            return Err(Refused::Unknown);
        }
        let (Ok(text), Ok(csrf)) = (random_text(), random_text()) else { return Err(Refused::TooMany) };
        let expires_at_ms = now_ms + millis(SESSION_LIFE);
        let session = Session { name: "owner".to_owned(), role: code.role, csrf, expires_at_ms };
        inner.state.make_room(now_ms);
        inner.state.sessions.insert(digest(&text), session.clone());
        // A session that can't be kept lives as long as this process.
        let _unkept = self.keep(&inner.state);
        Ok((text, session))
    }

    /// Whose session a cookie's text is.
    pub(crate) fn by_session(&self, text: &str, now_ms: u64) -> Result<Who, Refused> {
        let inner = self.inner();
        let found = inner.state.sessions.get(&digest(text)).filter(|session| session.expires_at_ms > now_ms);
        let session = found.ok_or(Refused::Unknown)?;
        Ok(Who {
            behalf: OnBehalf { name: session.name.clone(), role: session.role },
            by: By::Session,
            key: format!("session {}", digest(text).as_str()),
            csrf: Some(session.csrf.clone()),
            expires_at_ms: Some(session.expires_at_ms),
        })
    }

    /// Ends a session.
    pub(crate) fn logout(&self, text: &str) {
        let mut inner = self.inner();
        inner.state.sessions.remove(&digest(text));
        let _unkept = self.keep(&inner.state);
    }

    /// Makes a token; its text is told this once.
    pub(crate) fn make_token(
        &self,
        name: &str,
        role: Role,
        life_ms: Option<u64>,
        now_ms: u64,
    ) -> Result<(String, TokenRow), AccessError> {
        if !(OnBehalf { name: name.to_owned(), role }).is_sound() {
            return Err(AccessError::Name);
        }
        if life_ms.is_some_and(|life| !(1..=LIFE_MS_MAX).contains(&life)) {
            return Err(AccessError::Life);
        }
        let system = |error| AccessError::Keep(WebError::System(error));
        let (id, secret) = (random_text().map_err(system)?, random_text().map_err(system)?);
        let id = id[..16].to_owned();
        let hash = TokenHash::of(&secret).map_err(system)?;
        let row = TokenRow {
            id: id.clone(),
            name: name.to_owned(),
            role,
            created_at_ms: now_ms,
            expires_at_ms: life_ms.map(|life| now_ms + life),
        };
        let mut inner = self.inner();
        if inner.state.tokens.len() >= TOKENS_MAX {
            return Err(AccessError::Full);
        }
        inner.state.tokens.push(Token { row: row.clone(), hash });
        self.keep(&inner.state)?;
        Ok((format!("{TOKEN_PREFIX}{id}_{secret}"), row))
    }

    /// All tokens, without their secrets.
    pub(crate) fn tokens(&self) -> Vec<TokenRow> {
        self.inner().state.tokens.iter().map(|token| token.row.clone()).collect()
    }

    /// From now on it lets nobody in.
    pub(crate) fn revoke(&self, id: &str) -> Result<(), AccessError> {
        let mut inner = self.inner();
        let before = inner.state.tokens.len();
        inner.state.tokens.retain(|token| token.row.id != id);
        if inner.state.tokens.len() == before {
            return Err(AccessError::NoToken);
        }
        inner.verified.retain(|_, verified| verified != id);
        self.keep(&inner.state)
    }

    /// Whose token this is. Takes as long as Argon2id the first time.
    pub(crate) async fn by_token(&self, from: IpAddr, text: &str, now_ms: u64) -> Result<Who, Refused> {
        let wanted = digest(text);
        if let Some(who) = self.verified(&wanted, now_ms)? {
            return Ok(who);
        }
        let _one = self.guess.lock().await;
        // A program that opens many connections at once waits here with all of them: the first one has paid for the others.
        if let Some(who) = self.verified(&wanted, now_ms)? {
            return Ok(who);
        }
        let (id, secret) =
            text.strip_prefix(TOKEN_PREFIX).and_then(|rest| rest.split_once('_')).unwrap_or_default();
        let (id, secret) = (id.to_owned(), secret.to_owned());
        let hash = {
            let mut inner = self.inner();
            if inner.wrong.is_too_many(from, now_ms) {
                return Err(Refused::TooMany);
            }
            let found =
                inner.state.tokens.iter().find(|token| token.row.id == id).map(|token| token.hash.clone());
            if found.is_none() {
                inner.wrong.count(from, now_ms);
            }
            found.ok_or(Refused::Unknown)?
        };
        let is_right = tokio::task::spawn_blocking(move || hash.is_of(&secret)).await.unwrap_or(false);
        if !is_right {
            self.inner().wrong.count(from, now_ms);
            return Err(Refused::Unknown);
        }
        self.inner().verified.insert(wanted.clone(), id);
        self.verified(&wanted, now_ms)?.ok_or(Refused::Unknown)
    }

    /// A token that was verified before, if it still counts.
    fn verified(&self, wanted: &Digest, now_ms: u64) -> Result<Option<Who>, Refused> {
        let inner = self.inner();
        let Some(id) = inner.verified.get(wanted) else { return Ok(None) };
        let token = inner.state.tokens.iter().find(|token| token.row.id == *id).ok_or(Refused::Unknown)?;
        if token.row.expires_at_ms.is_some_and(|end| end <= now_ms) {
            return Err(Refused::Unknown);
        }
        Ok(Some(Who {
            behalf: OnBehalf { name: token.row.name.clone(), role: token.row.role },
            by: By::Token,
            key: format!("token {id}"),
            csrf: None,
            expires_at_ms: token.row.expires_at_ms,
        }))
    }

    fn keep(&self, state: &State) -> Result<(), AccessError> {
        self.file.write(state).map_err(AccessError::Keep)
    }
}

impl State {
    fn make_room(&mut self, now_ms: u64) {
        self.sessions.retain(|_, session| session.expires_at_ms > now_ms);
        while self.sessions.len() >= SESSIONS_MAX {
            let oldest = self.sessions.iter().min_by_key(|(_, session)| session.expires_at_ms);
            let Some(oldest) = oldest.map(|(digest, _)| digest.clone()) else { return };
            self.sessions.remove(&oldest);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
