//! What is followed at the operator door, each feed through a connection of its own, for as long as this process lives:
//! records always, what modules use often while somebody looks and seldom while nobody does, log lines only for those
//! who want them.

use std::sync::Arc;
use std::time::Duration;

use protocol::operator::{Event, EventsRequest, LogsRequest, Request};
use tokio::time::sleep;

use crate::app::{App, own};
use crate::door::DoorError;
use crate::events::Topic;

/// 250 ms before the first try to reach a kernel that is gone, doubled up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(250);

/// 4 s: whoever looks at a dead kernel sees it come back within that time.
const RETRY_MAX: Duration = Duration::from_secs(4);

/// 1 s between two measurements while somebody looks.
const USAGE_LOOKED_AT_MS: u64 = 1_000;

/// 10 s while nobody does: as fine as the history is.
const USAGE_ALONE_MS: u64 = 10_000;

/// Starts all of them. They end with the runtime.
pub(crate) fn start(app: &Arc<App>) {
    tokio::spawn(records(app.clone()));
    tokio::spawn(usage(app.clone()));
    tokio::spawn(logs(app.clone()));
}

/// Waits longer each time, until something came.
struct Patience(Duration);

impl Patience {
    fn new() -> Self {
        Self(RETRY_MIN)
    }

    async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(RETRY_MAX);
    }
}

async fn records(app: Arc<App>) {
    let mut patience = Patience::new();
    loop {
        if let Ok(mut connection) = app.door.follow(&Request::Events(EventsRequest::default()), &own()).await
        {
            patience = Patience::new();
            app.hub.tell_connected(true);
            while let Ok(event) = connection.event().await {
                match event {
                    Event::Record(row) => {
                        app.counts.record(&row);
                        app.alerts.heard(&row.code);
                        app.hub.tell(Topic::Records, row.module_id.as_deref(), &row);
                    }
                    Event::End(_) => break,
                    Event::Log(_) | Event::Message(_) | Event::Usage(_) | Event::Lost(_) | Event::Gone(_) => {
                    }
                }
            }
        }
        app.hub.tell_connected(false);
        patience.wait().await;
    }
}

async fn usage(app: Arc<App>) {
    let mut demand = app.hub.demand();
    let mut patience = Patience::new();
    loop {
        let is_looked_at = demand.borrow_and_update().usage > 0;
        let every = if is_looked_at { USAGE_LOOKED_AT_MS } else { USAGE_ALONE_MS };
        let mut changed = false;
        let follow = async {
            let request = Request::Usage { interval_ms: Some(every) };
            let mut connection = app.door.follow(&request, &own()).await?;
            loop {
                match connection.event().await? {
                    Event::Usage(table) => {
                        app.history.put(&table);
                        app.hub.tell(Topic::Usage, None, &table);
                    }
                    Event::End(_) => return Ok::<(), DoorError>(()),
                    Event::Log(_)
                    | Event::Record(_)
                    | Event::Message(_)
                    | Event::Lost(_)
                    | Event::Gone(_) => {}
                }
            }
        };
        let turned = async {
            // The sender lives as long as the hub.
            while demand.changed().await.is_ok() {
                if (demand.borrow_and_update().usage > 0) != is_looked_at {
                    return;
                }
            }
        };
        tokio::select! {
            _ended = follow => {}
            () = turned => changed = true,
        }
        if changed {
            patience = Patience::new();
        } else {
            patience.wait().await;
        }
    }
}

async fn logs(app: Arc<App>) {
    let mut demand = app.hub.demand();
    let mut patience = Patience::new();
    loop {
        if demand.wait_for(|demand| demand.logs > 0).await.is_err() {
            return;
        }
        let follow = async {
            let request = LogsRequest { lines: Some(0), follow: true, ..LogsRequest::default() };
            let mut connection = app.door.follow(&Request::Logs(request), &own()).await?;
            loop {
                match connection.event().await? {
                    Event::Log(line) => app.hub.tell(Topic::Logs, Some(&line.module_id), &line),
                    Event::End(_) => return Ok::<(), DoorError>(()),
                    Event::Usage(_)
                    | Event::Record(_)
                    | Event::Message(_)
                    | Event::Lost(_)
                    | Event::Gone(_) => {}
                }
            }
        };
        let mut unwanted = app.hub.demand();
        let nobody = async {
            // The sender lives as long as the hub.
            let _over = unwanted.wait_for(|demand| demand.logs == 0).await.is_ok();
        };
        let is_wanted = tokio::select! {
            _ended = follow => true,
            () = nobody => false,
        };
        if is_wanted {
            patience.wait().await;
        } else {
            patience = Patience::new();
        }
    }
}
