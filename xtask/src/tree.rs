//! The files of the repository as the checks see them: read once, so that a check is a function from texts to complaints.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::source::Source;

/// Text files of the repository.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// In the order of their paths.
    pub(crate) files: Vec<TextFile>,
}

/// One text file.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    /// Its whole text.
    pub(crate) text: String,
}

/// Something that has to be repaired.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    /// Where, as `path:line` or just a path.
    pub(crate) place: String,
    /// What, and what would be right.
    pub(crate) message: String,
}

impl Complaint {
    /// About one line.
    pub(crate) fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { place: format!("{path}:{line}"), message: message.into() }
    }

    /// About a whole file.
    pub(crate) fn about(path: &str, message: impl Into<String>) -> Self {
        Self { place: path.to_owned(), message: message.into() }
    }
}

impl Tree {
    /// Reads every text file that git knows or would add.
    ///
    /// # Errors
    /// When git can't be asked or a file can't be read.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git ls-files")?;
        ensure!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
        let mut files = Vec::new();
        for path in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|path| !path.is_empty()) {
            let full = root.join(path);
            // A file that was removed but not yet staged is still listed.
            if !full.is_file() {
                continue;
            }
            let bytes = std::fs::read(&full).with_context(|| format!("reading {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile { path: path.to_owned(), text });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Self { files })
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// One file.
    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree from texts, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter();
        Self {
            files: files
                .map(|(path, text)| TextFile { path: (*path).into(), text: (*text).into() })
                .collect(),
        }
    }
}

impl TextFile {
    /// Whether all of it is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs") || self.path.contains("/benches/")
    }

    /// Its code without comments, literals and test modules; nothing for a test file.
    pub(crate) fn shipped_code(&self) -> String {
        if self.is_test() {
            return String::new();
        }
        let source = Source::parse(&self.text);
        let mut bytes = source.code.clone().into_bytes();
        for range in source.test_ranges() {
            bytes[range].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its test code without comments and literals; empty when it has none.
    pub(crate) fn test_code(&self) -> String {
        let source = Source::parse(&self.text);
        if self.is_test() {
            return source.code;
        }
        let mut bytes: Vec<u8> =
            source.code.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }).collect();
        for range in source.test_ranges() {
            bytes[range.clone()].copy_from_slice(&source.code.as_bytes()[range]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
