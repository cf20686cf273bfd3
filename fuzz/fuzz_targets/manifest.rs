//! Any text as `module.json`: a manifest or complaints, never a panic, and every complaint lies inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::files::manifest::Manifest;

fuzz_target!(|text: &str| {
    match Manifest::parse("module.json", text) {
        Ok(manifest) => {
            assert!(!manifest.name.is_empty() && !manifest.entry.is_empty());
            assert!(manifest.permissions.env.iter().all(|name| !name.contains('*')));
        }
        Err(errors) => {
            let lines = text.split('\n').count();
            assert!(errors.iter().all(|error| error.at.line as usize <= lines + 1));
            assert!(errors.iter().all(|error| error.to_string().len() < 2000), "an error is no second file");
        }
    }
});
