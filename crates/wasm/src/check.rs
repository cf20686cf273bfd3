//! Reads a component before anything is compiled: its form, its sizes, its imports. Input is hostile until this is done.

use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::grant::{Grant, Verdict, judge};
use crate::limits::{
    COMPONENT_BYTES_MAX, FUNCTION_BYTES_MAX, FUNCTIONS_MAX, NAMES_MAX, NESTING_MAX, TEXT_BYTES_MAX,
};

/// Why bytes are not a component that may run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Nothing was given.
    #[error("it is empty")]
    Empty,
    /// Above the bound.
    #[error("it has {bytes} bytes; at most {max} are read")]
    TooLarge {
        /// Found.
        bytes: usize,
        /// Allowed.
        max: usize,
    },
    /// Text that does not say what it should.
    #[error("its text is wrong at line {line}, column {column}: {reason}")]
    Text {
        /// From 1; 0 when the text as a whole is wrong.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong, in one line.
        reason: String,
    },
    /// Not of the form, or not valid.
    #[error("it is wrong at byte {offset} ({offset:#x}): {reason}")]
    Invalid {
        /// Where, in the binary form.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
    /// A core module where a component is needed.
    #[error("it is a core module, not a component (its version field at byte 4 says so)")]
    NotAComponent,
    /// More than may be.
    #[error("it has more than {max} {what} (at byte {offset})")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Allowed.
        max: u64,
        /// Where the one too many is.
        offset: usize,
    },
    /// An import that exists but is not allowed.
    #[error("it imports `{import}` (at byte {offset}), which needs {needs}")]
    ImportDenied {
        /// Its full name.
        import: String,
        /// What has to be granted.
        needs: &'static str,
        /// Where.
        offset: usize,
    },
    /// An import that does not exist.
    #[error("it imports `{import}` (at byte {offset}), which nobody offers: {offered}")]
    ImportUnknown {
        /// Its full name.
        import: String,
        /// What exists.
        offered: &'static str,
        /// Where.
        offset: usize,
    },
}

/// Turns text into the binary form, and leaves the binary form as it is.
///
/// # Errors
/// `CheckError::Empty`, `TooLarge`, or `Text` with line and column.
pub(crate) fn to_binary(bytes: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, CheckError> {
    if bytes.is_empty() {
        return Err(CheckError::Empty);
    }
    if bytes.starts_with(b"\0asm") {
        return within(bytes, COMPONENT_BYTES_MAX).map(std::borrow::Cow::Borrowed);
    }
    within(bytes, TEXT_BYTES_MAX)?;
    let text = std::str::from_utf8(bytes).map_err(|error| CheckError::Invalid {
        offset: error.valid_up_to(),
        reason: "neither the binary form (`\\0asm`) nor text in UTF-8".to_owned(),
    })?;
    let binary = wat::parse_str(text).map_err(|error| text_error(&error))?;
    within(&binary, COMPONENT_BYTES_MAX)?;
    Ok(std::borrow::Cow::Owned(binary))
}

/// Validates a component and judges its imports.
///
/// # Errors
/// Every variant of `CheckError` but `Empty` and `Text`.
pub(crate) fn component(binary: &[u8], grant: &Grant) -> Result<(), CheckError> {
    sizes_and_imports(binary, grant)?;
    let mut validator = Validator::new_with_features(features());
    validator.validate_all(binary).map_err(|error| invalid(&error))?;
    Ok(())
}

fn within(bytes: &[u8], max: usize) -> Result<&[u8], CheckError> {
    if bytes.len() > max { Err(CheckError::TooLarge { bytes: bytes.len(), max }) } else { Ok(bytes) }
}

/// What compiled code may use; the engine is configured alike.
fn features() -> WasmFeatures {
    let without = WasmFeatures::GC_TYPES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::THREADS
        | WasmFeatures::MEMORY64
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::RELAXED_SIMD;
    (WasmFeatures::WASM3 | WasmFeatures::COMPONENT_MODEL).difference(without)
}

fn sizes_and_imports(binary: &[u8], grant: &Grant) -> Result<(), CheckError> {
    let mut depth = 0_u32;
    let mut functions = 0_u32;
    let mut names = 0_u32;
    for payload in Parser::new(0).parse_all(binary) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::Version { encoding, .. } if depth == 0 && encoding == Encoding::Module => {
                return Err(CheckError::NotAComponent);
            }
            Payload::Version { range, .. } => {
                depth += 1;
                bounded("components inside of each other", depth, NESTING_MAX, range.start)?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { count, range, .. } => {
                functions = functions.saturating_add(count);
                bounded("functions", functions, FUNCTIONS_MAX, range.start)?;
            }
            Payload::CodeSectionEntry(body) if body.range().len() > FUNCTION_BYTES_MAX => {
                let (what, max) = ("bytes in one function", FUNCTION_BYTES_MAX as u64);
                return Err(CheckError::TooMany { what, max, offset: body.range().start });
            }
            Payload::ComponentImportSection(section) => {
                names = names.saturating_add(section.count());
                bounded("imports and exports", names, NAMES_MAX, section.range().start)?;
                if depth == 1 {
                    imports(section, grant)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                names = names.saturating_add(section.count());
                bounded("imports and exports", names, NAMES_MAX, section.range().start)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn bounded(what: &'static str, found: u32, max: u32, offset: usize) -> Result<(), CheckError> {
    if found > max { Err(CheckError::TooMany { what, max: u64::from(max), offset }) } else { Ok(()) }
}

fn imports(section: wasmparser::ComponentImportSectionReader<'_>, grant: &Grant) -> Result<(), CheckError> {
    for import in section.into_iter_with_offsets() {
        let (offset, import) = import.map_err(|error| invalid(&error))?;
        let name = import.name.name;
        match judge(name, grant) {
            Verdict::Allowed => {}
            Verdict::Needs(needs) => {
                return Err(CheckError::ImportDenied { import: name.to_owned(), needs, offset });
            }
            Verdict::Unknown(offered) => {
                return Err(CheckError::ImportUnknown { import: name.to_owned(), offered, offset });
            }
        }
    }
    Ok(())
}

fn invalid(error: &wasmparser::BinaryReaderError) -> CheckError {
    CheckError::Invalid { offset: error.offset(), reason: crate::limits::kept(error.message()).to_owned() }
}

/// The first line of what the reader of text says, and the place that it names as `<anon>:line:column`.
fn text_error(error: &wat::Error) -> CheckError {
    let whole = error.to_string();
    let reason = whole.lines().next().unwrap_or("not understood").to_owned();
    let place = whole.lines().find_map(|line| line.split_once("<anon>:")).map(|(_, place)| place);
    let mut numbers = place.unwrap_or("").split(':').map_while(|number| number.trim().parse().ok());
    let (line, column) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    CheckError::Text { line, column, reason: crate::limits::kept(&reason).to_owned() }
}
