//! Any text as any other program's file: a project that Ostoja reads, or complaints about the source; never a panic, and
//! never a project that only we could not read.
#![no_main]

use import::Format;
use libfuzzer_sys::fuzz_target;
use protocol::files::project::Project;

/// 32 KiB: below it no honest source makes more than an `ostoja.yaml` may hold.
const SMALL_BYTES_MAX: usize = 32 << 10;

fuzz_target!(|text: &str| {
    let _ = import::detect("file", text);
    for format in Format::ALL {
        match import::import(format, "file", text) {
            Ok(imported) => {
                Project::parse("ostoja.yaml", &imported.yaml).expect("what is given out can be read");
            }
            Err(errors) if text.len() < SMALL_BYTES_MAX => {
                let is_ours =
                    |error: &protocol::files::FileError| error.to_string().contains("Ostoja can't read");
                assert!(!errors.iter().any(is_ours), "{errors}");
            }
            Err(_) => {}
        }
    }
});
