//! Splits a byte stream into lines, without I/O and without copying what it need not copy.
//!
//! A pipe gives bytes in pieces that know nothing of lines. A line that lies wholly inside one piece is handed out as
//! a slice of that piece; only the unfinished tail is kept, and never more than the bound, so that one module cannot
//! make the kernel hold its memory.
//!
//! States: *collecting* (the tail of an unfinished line is kept) and *dropping* (the line is over the bound: its bytes
//! are counted and thrown away until its newline).

#[cfg(test)]
mod tests;

/// What a stream of bytes turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// One whole line without its end, trimmed, never empty.
    Complete(&'a [u8]),
    /// A line beyond the bound was dropped.
    Oversize {
        /// How long it was, in bytes without its newline.
        bytes: u64,
    },
}

/// The splitter for one stream.
#[derive(Debug)]
pub struct LineDecoder {
    line_bytes_max: usize,
    tail: Vec<u8>,
    /// Set while the tail has been handed out and may be overwritten by the next call.
    tail_is_spent: bool,
    /// How many bytes of an oversize line were thrown away so far; `None` while collecting.
    dropped: Option<u64>,
}

/// 16 KiB: a tail buffer that grew beyond this is given back once its line is out, so that one long line does not cost
/// its memory for the rest of the module's life.
const TAIL_BYTES_KEPT: usize = 16 << 10;

impl LineDecoder {
    /// A splitter that hands out lines of at most `line_bytes_max` bytes, counted without the newline and before
    /// trimming.
    pub fn new(line_bytes_max: usize) -> Self {
        Self { line_bytes_max, tail: Vec::new(), tail_is_spent: false, dropped: None }
    }

    /// Takes the next line out of `rest`, which is moved forward past what was used.
    ///
    /// Call it until it gives `None`: then `rest` is empty and an unfinished line, if any, is kept for the next piece.
    ///
    /// ```text
    /// let mut rest = chunk;
    /// while let Some(line) = decoder.next_line(&mut rest) { … }
    /// ```
    pub fn next_line<'a, 'c: 'a>(&'a mut self, rest: &mut &'c [u8]) -> Option<Line<'a>> {
        self.discard_spent_tail();
        loop {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.keep(rest);
                *rest = &[];
                return None;
            };
            let (piece, after) = (&rest[..end], &rest[end + 1..]);
            *rest = after;
            if let Some(dropped) = self.dropped.take() {
                return Some(Line::Oversize { bytes: dropped + piece.len() as u64 });
            }
            let bytes = self.tail.len() + piece.len();
            if bytes > self.line_bytes_max {
                self.release_tail();
                return Some(Line::Oversize { bytes: bytes as u64 });
            }
            if self.tail.is_empty() {
                let line = trim(piece);
                if !line.is_empty() {
                    return Some(Line::Complete(line));
                }
                continue;
            }
            self.tail.extend_from_slice(piece);
            if trim(&self.tail).is_empty() {
                self.release_tail();
                continue;
            }
            self.tail_is_spent = true;
            return Some(Line::Complete(trim(&self.tail)));
        }
    }

    /// Ends the stream: gives the last line if it had no newline. The splitter is as new afterwards.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        self.discard_spent_tail();
        if let Some(bytes) = self.dropped.take() {
            return Some(Line::Oversize { bytes });
        }
        self.tail_is_spent = true;
        let line = trim(&self.tail);
        (!line.is_empty()).then_some(Line::Complete(line))
    }

    /// How many bytes of an unfinished line are kept; never more than the bound.
    pub fn buffered_bytes(&self) -> usize {
        if self.tail_is_spent { 0 } else { self.tail.len() }
    }

    /// What is kept of an unfinished line, and how many bytes of it were thrown away if it is over the bound: all that
    /// another splitter needs to go on with it.
    pub fn unfinished(&self) -> (&[u8], Option<u64>) {
        if self.tail_is_spent { (&[], self.dropped) } else { (&self.tail, self.dropped) }
    }

    /// Goes on with what another splitter has not finished.
    #[must_use]
    pub fn resume(mut self, tail: &[u8], dropped: Option<u64>) -> Self {
        self.dropped = dropped;
        self.keep(tail);
        self
    }

    fn keep(&mut self, piece: &[u8]) {
        if let Some(dropped) = &mut self.dropped {
            *dropped += piece.len() as u64;
            return;
        }
        let bytes = self.tail.len() + piece.len();
        if bytes > self.line_bytes_max {
            self.release_tail();
            self.dropped = Some(bytes as u64);
            return;
        }
        self.tail.extend_from_slice(piece);
    }

    fn discard_spent_tail(&mut self) {
        if self.tail_is_spent {
            self.release_tail();
        }
    }

    fn release_tail(&mut self) {
        self.tail_is_spent = false;
        self.tail.clear();
        if self.tail.capacity() > TAIL_BYTES_KEPT {
            self.tail = Vec::new();
        }
    }
}

/// Cuts white space off both ends: ASCII always, and what else `trim` of JavaScript cuts when the text is UTF-8,
/// because the contract's lines were first trimmed there.
fn trim(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    let plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
    if plain(line.first()) && plain(line.last()) {
        return line;
    }
    match std::str::from_utf8(line) {
        Ok(text) => text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').as_bytes(),
        Err(_) => line,
    }
}
