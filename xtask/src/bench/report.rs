//! What was measured: samples per subject and measure, what they come to, and whether that keeps a promise.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::process;

/// The numbers of one bench.
#[derive(Debug)]
pub(crate) struct Report {
    /// Which bench.
    pub(crate) name: &'static str,
    rows: Vec<Row>,
    notes: Vec<String>,
    promises: Vec<Promise>,
}

/// One subject under one measure.
#[derive(Debug)]
struct Row {
    subject: String,
    measure: String,
    unit: &'static str,
    samples: Vec<f64>,
}

/// A number that was promised, and what came out.
#[derive(Debug)]
struct Promise {
    text: String,
    found: Option<f64>,
    bound: f64,
    unit: &'static str,
    sense: Sense,
}

/// On which side of the bound a number has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sense {
    AtMost,
    AtLeast,
}

impl Report {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new(), notes: Vec::new(), promises: Vec::new() }
    }

    /// Adds one sample.
    pub(crate) fn sample(&mut self, subject: &str, measure: &str, unit: &'static str, value: f64) {
        let row = self.rows.iter_mut().find(|row| row.subject == subject && row.measure == measure);
        match row {
            Some(row) => row.samples.push(value),
            None => self.rows.push(Row {
                subject: subject.to_owned(),
                measure: measure.to_owned(),
                unit,
                samples: vec![value],
            }),
        }
    }

    /// Adds a sentence that belongs to the numbers.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Compares what came out with what was promised; nothing measured keeps no promise.
    pub(crate) fn promise(
        &mut self,
        text: &str,
        found: Option<f64>,
        sense: Sense,
        bound: f64,
        unit: &'static str,
    ) {
        self.promises.push(Promise { text: text.to_owned(), found, bound, unit, sense });
    }

    /// The middle sample.
    pub(crate) fn median(&self, subject: &str, measure: &str) -> Option<f64> {
        self.quantile(subject, measure, 0.5)
    }

    /// The sample that this share of all samples does not exceed.
    pub(crate) fn quantile(&self, subject: &str, measure: &str, share: f64) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.subject == subject && row.measure == measure)?;
        quantile(&row.samples, share)
    }

    /// The smallest median of a measure among these subjects.
    pub(crate) fn best(&self, subjects: &[&str], measure: &str) -> Option<f64> {
        self.best_by(subjects, measure, Sense::AtMost)
    }

    /// The best median of a measure among these subjects: the smallest where less is better, else the largest.
    pub(crate) fn best_by(&self, subjects: &[&str], measure: &str, sense: Sense) -> Option<f64> {
        let medians = subjects.iter().filter_map(|subject| self.median(subject, measure));
        match sense {
            Sense::AtMost => medians.min_by(f64::total_cmp),
            Sense::AtLeast => medians.max_by(f64::total_cmp),
        }
    }

    /// A Markdown table: a line per subject, a column per measure, medians with the range behind them.
    pub(crate) fn table(&self) -> String {
        let mut measures: Vec<(&str, &str)> = Vec::new();
        let mut subjects: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !measures.iter().any(|(measure, _)| *measure == row.measure) {
                measures.push((&row.measure, row.unit));
            }
            if !subjects.contains(&row.subject.as_str()) {
                subjects.push(&row.subject);
            }
        }
        let mut text = String::from("| subject |");
        for (measure, unit) in &measures {
            let _ = write!(text, " {measure}, {unit} |");
        }
        text.push_str("\n|---|");
        text.push_str(&"--:|".repeat(measures.len()));
        for subject in subjects {
            let _ = write!(text, "\n| {subject} |");
            for (measure, _) in &measures {
                let row = self.rows.iter().find(|row| row.subject == subject && row.measure == *measure);
                let _ = write!(text, " {} |", row.map_or_else(|| "–".to_owned(), cell));
            }
        }
        text.push('\n');
        if !self.notes.is_empty() {
            let _ = write!(text, "\n{}\n", self.notes.join("\n"));
        }
        text
    }

    /// One line per promise.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        self.promises.iter().map(Promise::verdict).collect()
    }

    /// All of it, for programs.
    pub(crate) fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({"subject": row.subject, "measure": row.measure, "unit": row.unit, "samples": row.samples,
                "median": quantile(&row.samples, 0.5)})
        };
        json!({
            "bench": self.name,
            "machine": process::machine(),
            "date": process::today(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "notes": self.notes,
            "promises": self.verdicts(),
        })
    }
}

impl Promise {
    fn verdict(&self) -> String {
        let sign = if self.sense == Sense::AtMost { "≤" } else { "≥" };
        let wanted = format!("{sign} {} {}", number(self.bound), self.unit);
        match self.found {
            None => format!("not measured: {} (promised {wanted})", self.text),
            Some(found) => {
                let is_kept =
                    if self.sense == Sense::AtMost { found <= self.bound } else { found >= self.bound };
                let word = if is_kept { "kept" } else { "MISSED" };
                format!("{word}: {}: {} {} (promised {wanted})", self.text, number(found), self.unit)
            }
        }
    }
}

/// The median, with the range where there is more than one sample.
fn cell(row: &Row) -> String {
    let at = |share| quantile(&row.samples, share).map_or_else(|| "–".to_owned(), number);
    if row.samples.len() < 2 { at(0.5) } else { format!("{} ({}–{})", at(0.5), at(0.0), at(1.0)) }
}

/// The sample at this share of the sorted samples, by the nearest rank.
fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there are far fewer than 2^52 samples, and the share is between 0 and 1"
    )]
    let rank = (share * last as f64).ceil() as usize;
    sorted.get(rank.min(last)).copied()
}

/// Three significant digits are more than the noise allows.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests;
