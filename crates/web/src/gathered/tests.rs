//! Who shares an answer with whom.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::sleep;

use super::*;

/// Answers with the number of the asking, after a while.
fn asking(
    asked: &Arc<AtomicU64>,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + use<> {
    let asked = asked.clone();
    move || {
        let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            sleep(Duration::from_millis(10)).await;
            Ok(Answer { status: StatusCode::OK, body: number.to_string().into() })
        })
    }
}

fn number(outcome: Outcome) -> String {
    String::from_utf8_lossy(&outcome.expect("an answer").body).into_owned()
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_an_answer_is_on_its_way_waits_for_the_next_one_with_all_others() {
    let (gathered, asked) = (Gathered::default(), Arc::new(AtomicU64::new(0)));
    let first = tokio::spawn({
        let (gathered, ask) = (gathered.clone(), asking(&asked));
        async move { number(gathered.answer("a".to_owned(), ask).await) }
    });
    sleep(Duration::from_millis(5)).await;
    let later: Vec<_> = (0..100)
        .map(|_| {
            let (gathered, ask) = (gathered.clone(), asking(&asked));
            tokio::spawn(async move { number(gathered.answer("a".to_owned(), ask).await) })
        })
        .collect();
    let other = number(gathered.answer("b".to_owned(), asking(&asked)).await);
    assert_eq!(first.await.expect("done"), "1");
    let later = futures(later).await;
    assert_eq!(later.len(), 100);
    // What others ask is asked apart, and was in between.
    assert!(later.iter().all(|number| *number == "3"), "{later:?}");
    assert_eq!((other.as_str(), asked.load(Ordering::SeqCst)), ("2", 3));
    assert!(gathered.waiting().is_empty());
}

async fn futures(all: Vec<tokio::task::JoinHandle<String>>) -> Vec<String> {
    let mut done = Vec::new();
    for one in all {
        done.push(one.await.expect("done"));
    }
    done
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_takes_nothing_from_the_others_and_leaves_nothing_behind() {
    let (gathered, asked) = (Gathered::default(), Arc::new(AtomicU64::new(0)));
    let gone = tokio::spawn({
        let (gathered, ask) = (gathered.clone(), asking(&asked));
        async move { number(gathered.answer("a".to_owned(), ask).await) }
    });
    sleep(Duration::from_millis(5)).await;
    gone.abort();
    assert_eq!(number(gathered.answer("a".to_owned(), asking(&asked)).await), "2");
    sleep(Duration::from_millis(50)).await;
    assert!(gathered.waiting().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_asking_that_dies_leaves_nobody_waiting() {
    let gathered = Gathered::default();
    let dies = || async { panic!("as a mistake of ours would") };
    let outcome = gathered.answer("a".to_owned(), dies).await;
    assert_eq!(outcome, Err(Problem::unreachable()));
    assert!(gathered.waiting().is_empty());
    let asked = Arc::new(AtomicU64::new(0));
    assert_eq!(number(gathered.answer("a".to_owned(), asking(&asked)).await), "1");
}
