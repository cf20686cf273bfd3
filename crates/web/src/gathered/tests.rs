//! Who shares an answer with whom.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};

use super::*;

/// Somebody who answers with the number of the asking, as often as it is let.
#[derive(Clone)]
struct Kernel {
    gathered: Gathered,
    asked: Arc<AtomicU64>,
    lets: Arc<Semaphore>,
}

type Asking = Pin<Box<dyn Future<Output = Outcome> + Send>>;

impl Kernel {
    fn new() -> Self {
        Self { gathered: Gathered::default(), asked: Arc::default(), lets: Arc::new(Semaphore::new(0)) }
    }

    /// Begins to ask it.
    fn ask(&self, key: &str) -> JoinHandle<String> {
        let (kernel, key) = (self.clone(), key.to_owned());
        tokio::spawn(async move {
            let (asked, lets) = (kernel.asked.clone(), kernel.lets.clone());
            let ask = move || -> Asking {
                let (number, lets) = (asked.fetch_add(1, Ordering::SeqCst) + 1, lets.clone());
                Box::pin(async move {
                    lets.acquire().await.expect("open").forget();
                    Ok(Answer { status: StatusCode::OK, body: number.to_string().into() })
                })
            };
            let answer = kernel.gathered.answer(key, ask).await.expect("an answer");
            String::from_utf8_lossy(&answer.body).into_owned()
        })
    }

    /// Waits until so many wait for the next answer, and it was asked so often.
    async fn until(&self, waiting: usize, asked: u64) {
        let is_so = || {
            let all: usize = self.gathered.waiting().values().map(Vec::len).sum();
            (all, self.asked.load(Ordering::SeqCst)) == (waiting, asked)
        };
        while !is_so() {
            yield_now().await;
        }
    }

    async fn until_forgotten(&self) {
        while !self.gathered.waiting().is_empty() {
            yield_now().await;
        }
    }
}

#[tokio::test]
async fn who_comes_while_an_answer_is_on_its_way_waits_for_the_next_one_with_all_others() {
    let kernel = Kernel::new();
    let first = kernel.ask("a");
    kernel.until(0, 1).await;
    let later: Vec<_> = (0..100).map(|_| kernel.ask("a")).collect();
    kernel.until(100, 1).await;
    // What is asked otherwise is asked apart.
    let other = kernel.ask("b");
    kernel.until(100, 2).await;
    kernel.lets.add_permits(3);
    assert_eq!((first.await.expect("done"), other.await.expect("done")), ("1".to_owned(), "2".to_owned()));
    for one in later {
        assert_eq!(one.await.expect("done"), "3");
    }
    kernel.until_forgotten().await;
    assert_eq!(kernel.asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn whoever_hangs_up_takes_nothing_from_the_others_and_leaves_nothing_behind() {
    let kernel = Kernel::new();
    let gone = kernel.ask("a");
    kernel.until(0, 1).await;
    gone.abort();
    let stays = kernel.ask("a");
    kernel.until(1, 1).await;
    kernel.lets.add_permits(2);
    assert_eq!(stays.await.expect("done"), "2");
    kernel.until_forgotten().await;
}

#[tokio::test]
async fn an_asking_that_dies_leaves_nobody_waiting() {
    let kernel = Kernel::new();
    let dies = || async { panic!("as a mistake of ours would") };
    assert_eq!(kernel.gathered.answer("a".to_owned(), dies).await, Err(Problem::unreachable()));
    kernel.until_forgotten().await;
    let next = kernel.ask("a");
    kernel.lets.add_permits(1);
    assert_eq!(next.await.expect("done"), "1");
}
