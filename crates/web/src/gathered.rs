//! Those who look at the same thing at the same time share an answer: it is asked of the kernel once for all who wait.
//!
//! Nobody gets an answer that was asked for before they came: who comes while one is on its way waits for the next. So
//! whoever changed something and then looks sees it changed, and a thousand pages that look at once cost what two do.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::once::Answer;
use crate::problem::Problem;

#[cfg(test)]
mod tests;

/// What comes of asking.
pub(crate) type Outcome = Result<Answer, Problem>;

/// Who waits, by what they ask, on whose behalf included. There is an entry as long as an answer is on its way, and there
/// are no more who wait than there are connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    waiting: Arc<Mutex<HashMap<String, Vec<oneshot::Sender<Outcome>>>>>,
}

impl Gathered {
    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Vec<oneshot::Sender<Outcome>>>> {
        // Nothing is half done between two lines here.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to `key`, which `ask` gets: asked for after this call began.
    pub(crate) async fn answer<A, F>(&self, key: String, ask: A) -> Outcome
    where
        A: Fn() -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            let is_first = !waiting.contains_key(&key);
            waiting.entry(key.clone()).or_default().push(sender);
            is_first
        };
        if is_first {
            // On its own: who came first may hang up, and the others wait all the same.
            tokio::spawn(self.clone().serve(key, ask));
        }
        receiver.await.unwrap_or_else(|_| Err(Problem::unreachable()))
    }

    async fn serve<A, F>(self, key: String, ask: A)
    where
        A: Fn() -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut closing = Closing { gathered: self, key, is_over: false };
        while let Some(batch) = closing.batch() {
            let outcome = ask().await;
            for sender in batch {
                // Whoever has hung up wants none.
                let _gone = sender.send(outcome.clone());
            }
        }
    }
}

/// Takes the entry away also when the asking dies: then nobody is to wait for it any more.
struct Closing {
    gathered: Gathered,
    key: String,
    /// The entry is gone; one that is there now is somebody else's.
    is_over: bool,
}

impl Closing {
    /// Those who wait now; nothing, and no entry any more, when nobody does.
    fn batch(&mut self) -> Option<Vec<oneshot::Sender<Outcome>>> {
        let mut waiting = self.gathered.waiting();
        let batch = waiting.get_mut(&self.key).map(std::mem::take).unwrap_or_default();
        let batch: Vec<_> = batch.into_iter().filter(|sender| !sender.is_closed()).collect();
        if batch.is_empty() {
            waiting.remove(&self.key);
            self.is_over = true;
            return None;
        }
        Some(batch)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if !self.is_over {
            self.gathered.waiting().remove(&self.key);
        }
    }
}
