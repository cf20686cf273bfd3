//! What one thread pushes is taken in its order, all of it.

use std::thread;

use super::*;

#[test]
fn each_senders_order_is_kept() {
    let queue = Inject::new();
    let mut taken = Vec::new();
    thread::scope(|scope| {
        for sender in 0..3 {
            let queue = &queue;
            scope.spawn(move || (0..1000).for_each(|number| queue.push((sender, number))));
        }
        while taken.len() < 3000 {
            queue.take_all(&mut taken);
            thread::yield_now();
        }
    });
    for sender in 0..3 {
        let of_sender: Vec<_> = taken.iter().filter(|item| item.0 == sender).map(|item| item.1).collect();
        assert_eq!(of_sender, (0..1000).collect::<Vec<_>>());
    }
    assert!(queue.is_empty() && !queue.is_full());
}
