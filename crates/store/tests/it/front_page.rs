//! The example of the crate's front page, as a test: doctests are off in internal crates.

use std::time::Duration;

use abi::{Record, Wall};
use store::{BootId, JournalReader, Query, Scribe, ScribeOptions, Verdict};

#[test]
fn the_front_page_example_holds() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("journal.db");
    let scribe = Scribe::start(ScribeOptions::new(&path, BootId(7)))?;
    let _admitted = scribe.try_append(Wall(1_000), Record::new("module.ready").number("after_ms", 40));
    scribe.close(Duration::from_secs(5))?;

    let reader = JournalReader::open(&path)?;
    let page = reader.read(&Query { codes: vec!["module.ready".into()], ..Query::last(10) })?;
    assert_eq!(page.entries.len(), 1);
    assert!(matches!(reader.verify()?, Verdict::Sound { .. }));
    Ok(())
}
