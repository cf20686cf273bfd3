//! What came of all attempts, as a table for people.

use core::fmt;
use std::io;
use std::sync::Mutex;

use sandbox::{Confinement, Layer};

use crate::attempts::Attempt;
use crate::scene::{Outcome, Scene, alone, full, layers};

/// Two attempts at once: the machines that this runs on have two cores.
const AT_ONCE: usize = 2;

/// One attempt, and what came of it in every run.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub attempt: Attempt,
    /// Without any containment.
    pub free: Outcome,
    /// With all of it.
    pub full: Outcome,
    /// Layers without which it does harm although all others stand.
    pub opened_by: Vec<Layer>,
    /// Layers that stop it alone.
    pub stopped_by: Vec<Layer>,
    /// Runs that told nothing.
    pub broken: Vec<String>,
}

/// All of them.
#[derive(Debug)]
pub struct Table {
    /// One per attempt, sorted by name.
    pub rows: Vec<Row>,
    /// Whether layers were taken away and left alone too.
    pub is_long: bool,
}

impl Table {
    /// With full containment and with none.
    ///
    /// # Errors
    /// When an attempt can't be made at all.
    pub fn short(attempts: Vec<Attempt>) -> io::Result<Self> {
        Self::of(attempts, false)
    }

    /// Those, and with each layer taken away, and with each alone.
    ///
    /// # Errors
    /// When an attempt can't be made at all.
    pub fn long(attempts: Vec<Attempt>) -> io::Result<Self> {
        Self::of(attempts, true)
    }

    fn of(attempts: Vec<Attempt>, is_long: bool) -> io::Result<Self> {
        let waiting = Mutex::new(attempts);
        let work = |number: usize| -> io::Result<Vec<Row>> {
            let mut scene = Scene::new(number)?;
            let mut rows = Vec::new();
            loop {
                let next = waiting.lock().map_err(|_| io::Error::other("another run has failed"))?.pop();
                let Some(attempt) = next else { return Ok(rows) };
                rows.push(Row::of(&mut scene, attempt, is_long)?);
            }
        };
        let mut rows = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || work(number))).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            let all: io::Result<Vec<Vec<Row>>> =
                joined.map(|rows| rows.unwrap_or_else(|_| Err(io::Error::other("a run panicked")))).collect();
            all
        })?
        .into_iter()
        .flatten()
        .collect::<Vec<Row>>();
        rows.sort_by(|a, b| a.attempt.cmp(&b.attempt));
        Ok(Self { rows, is_long })
    }
}

impl Row {
    fn of(scene: &mut Scene, attempt: Attempt, is_long: bool) -> io::Result<Self> {
        let whole = full(scene, &attempt);
        let free = scene.play(&attempt, Confinement::none())?;
        let full = scene.play(&attempt, whole.clone())?;
        let mut row =
            Self { attempt, free, full, opened_by: Vec::new(), stopped_by: Vec::new(), broken: Vec::new() };
        row.note("free", row.free.clone());
        row.note("full", row.full.clone());
        if !is_long || row.free != Outcome::Harm {
            return Ok(row);
        }
        for layer in layers() {
            let without = scene.play(&row.attempt, whole.clone().without(layer))?;
            if row.note(&format!("without {layer}"), without) == Outcome::Harm {
                row.opened_by.push(layer);
            }
            let left = scene.play(&row.attempt, alone(whole.clone(), layer))?;
            if matches!(row.note(&format!("{layer} alone"), left), Outcome::Refused(_)) {
                row.stopped_by.push(layer);
            }
        }
        Ok(row)
    }

    fn note(&mut self, run: &str, outcome: Outcome) -> Outcome {
        if let Outcome::Broken(text) = &outcome {
            self.broken.push(format!("{}, {run}: {text}", self.attempt.name));
        }
        outcome
    }

    fn words(layers: &[Layer]) -> String {
        layers.iter().map(|layer| layer.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:30} {:20} stopped by each of these alone", "attempt", "full containment")?;
        for row in &self.rows {
            let full = match &row.full {
                Outcome::Harm => "HARM".to_owned(),
                Outcome::Refused(reason) => reason.clone(),
                Outcome::Broken(_) => "broken".to_owned(),
            };
            let by = match (&row.free, self.is_long) {
                (Outcome::Harm, true) => Row::words(&row.stopped_by),
                (Outcome::Harm, false) => String::new(),
                _ => "(not possible on this machine at all)".to_owned(),
            };
            writeln!(f, "{:30} {full:20} {by}", row.attempt.name)?;
        }
        if !self.is_long {
            return Ok(());
        }
        writeln!(f, "\n{:20} {:>4}  attempts that then do harm", "without", "harm")?;
        for layer in layers() {
            let opened = self.rows.iter().filter(|row| row.opened_by.contains(&layer));
            let names: Vec<&str> = opened.map(|row| row.attempt.name.as_str()).collect();
            writeln!(f, "{:20} {:>4}  {}", layer.as_str(), names.len(), names.join(" "))?;
        }
        Ok(())
    }
}
