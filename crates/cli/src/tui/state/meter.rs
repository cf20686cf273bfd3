//! What one module uses: rates from two measurements, and a minute of them.

use std::collections::VecDeque;

/// 60 samples of a rate: a minute, one a second.
pub(super) const HISTORY_MAX: usize = 60;

/// What one module uses, now and a while back.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::tui) struct Meter {
    pub(in crate::tui) cpu_percent: Option<f64>,
    pub(in crate::tui) rss_bytes: u64,
    pub(in crate::tui) frames_per_s: Option<f64>,
    /// Shares of a processor, in whole percents, oldest first.
    pub(in crate::tui) history: VecDeque<u16>,
    last: Option<(u64, u64, u64)>,
}

impl Meter {
    /// Rates are differences to the measurement before.
    pub(super) fn measure(&mut self, ts_ms: u64, cpu_ms: u64, frames: u64) {
        if let Some((last_ts, last_cpu, last_frames)) = self.last
            && let Some(span_ms) = ts_ms.checked_sub(last_ts).filter(|span| *span > 0)
        {
            let per_s = |now: u64, before: u64| now.saturating_sub(before) as f64 * 1000.0 / span_ms as f64;
            let share = per_s(cpu_ms, last_cpu) / 10.0;
            self.cpu_percent = Some(share);
            self.frames_per_s = Some(per_s(frames, last_frames));
            if self.history.len() >= HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(share.round().clamp(0.0, f64::from(u16::MAX)) as u16);
        }
        self.last = Some((ts_ms, cpu_ms, frames));
    }
}
