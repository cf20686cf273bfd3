//! Reads a function before anything is compiled: its form, its sizes, its imports. Input is hostile until this is done.

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use abi::Permissions;

use super::bounds::SOURCE_BYTES_MAX;
use super::error::{FunctionError, Lacking};
use super::kernel_imports::{INTERFACE, KernelImport};
use super::record::Form;
use crate::check::CheckError;
use crate::limits::{FUNCTION_BYTES_MAX, FUNCTIONS_MAX, NAMES_MAX, NESTING_MAX};

/// What a function is, and what it asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inspected {
    pub(super) form: Form,
    pub(super) imports: Vec<KernelImport>,
}

/// Validates a function and compares what it imports with what it was granted.
pub(super) fn inspect(binary: &[u8], granted: &Permissions) -> Result<Inspected, FunctionError> {
    if binary.len() > SOURCE_BYTES_MAX {
        let (bytes, max) = (binary.len(), SOURCE_BYTES_MAX);
        return Err(FunctionError::Source(CheckError::TooLarge { bytes, max }));
    }
    let inspected = read(binary)?;
    for import in &inspected.imports {
        import.check(Lacking::Function, |kind, value| granted.of(kind).contains(value))?;
    }
    Validator::new_with_features(features(inspected.form))
        .validate_all(binary)
        .map_err(|error| invalid(&error))?;
    Ok(inspected)
}

/// What compiled code may use; the engine is configured alike.
fn features(form: Form) -> WasmFeatures {
    let without = WasmFeatures::GC_TYPES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::THREADS
        | WasmFeatures::MEMORY64
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::RELAXED_SIMD;
    let base = WasmFeatures::WASM3.difference(without);
    match form {
        Form::Core => base,
        Form::Component => base | WasmFeatures::COMPONENT_MODEL,
    }
}

/// What is counted on the way through nested modules.
#[derive(Default)]
struct Count {
    depth: u32,
    functions: u32,
    names: u32,
}

fn read(binary: &[u8]) -> Result<Inspected, FunctionError> {
    let form = if Parser::is_component(binary) { Form::Component } else { Form::Core };
    let mut count = Count::default();
    let mut imports = Vec::new();
    let mut are_found = false;
    for payload in Parser::new(0).parse_all(binary) {
        let payload = payload.map_err(|error| invalid(&error))?;
        count.take(&payload)?;
        match payload {
            Payload::ImportSection(section) if form == Form::Core => {
                for import in section.into_imports_with_offsets() {
                    let (offset, import) = import.map_err(|error| invalid(&error))?;
                    let full = format!("{}/{}", import.module, import.name);
                    let known = (import.module == INTERFACE)
                        .then(|| KernelImport::from_word(import.name))
                        .flatten()
                        .ok_or(FunctionError::ImportUnknown { import: kept(&full), offset })?;
                    imports.push(known);
                }
            }
            Payload::ComponentImportSection(section) if count.depth == 1 => {
                for import in section.into_iter_with_offsets() {
                    let (offset, import) = import.map_err(|error| invalid(&error))?;
                    if import.name.name != INTERFACE {
                        return Err(FunctionError::ImportUnknown { import: kept(import.name.name), offset });
                    }
                    // A second import of one name is for the validator to refuse; looking again would only take time.
                    if !std::mem::replace(&mut are_found, true) {
                        imports.extend(members(import.ty, binary, offset)?);
                    }
                }
            }
            _ => {}
        }
    }
    imports.sort_unstable();
    imports.dedup();
    Ok(Inspected { form, imports })
}

/// Which functions of the interface a component asks for.
///
/// The type of an imported instance is an index into types that only a validator resolves. So the names are looked for
/// where instance types declare their exports: whatever is declared there under a kernel function's name counts.
fn members(
    ty: wasmparser::ComponentTypeRef,
    binary: &[u8],
    offset: usize,
) -> Result<Vec<KernelImport>, FunctionError> {
    use wasmparser::{ComponentType, InstanceTypeDeclaration};
    if !matches!(ty, wasmparser::ComponentTypeRef::Instance(_)) {
        return Err(FunctionError::ImportUnknown { import: INTERFACE.to_owned(), offset });
    }
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(binary) {
        let Payload::ComponentTypeSection(section) = payload.map_err(|error| invalid(&error))? else {
            continue;
        };
        for ty in section {
            let ComponentType::Instance(declared) = ty.map_err(|error| invalid(&error))? else { continue };
            for declaration in declared {
                if let InstanceTypeDeclaration::Export { name, .. } = declaration {
                    found.extend(KernelImport::from_word(name.name));
                }
            }
        }
    }
    Ok(found)
}

impl Count {
    fn take(&mut self, payload: &Payload<'_>) -> Result<(), FunctionError> {
        match payload {
            Payload::Version { range, .. } => {
                self.depth += 1;
                bounded("components inside of each other", self.depth, NESTING_MAX, range.start)?;
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::CodeSectionStart { count, range, .. } => {
                self.functions = self.functions.saturating_add(*count);
                bounded("functions", self.functions, FUNCTIONS_MAX, range.start)?;
            }
            Payload::CodeSectionEntry(body) if body.range().len() > FUNCTION_BYTES_MAX => {
                let (what, max) = ("bytes in one function", FUNCTION_BYTES_MAX as u64);
                let offset = body.range().start;
                return Err(FunctionError::Source(CheckError::TooMany { what, max, offset }));
            }
            Payload::ImportSection(section) => self.names(section.count(), section.range().start)?,
            Payload::ExportSection(section) => self.names(section.count(), section.range().start)?,
            Payload::ComponentImportSection(section) => self.names(section.count(), section.range().start)?,
            Payload::ComponentExportSection(section) => self.names(section.count(), section.range().start)?,
            _ => {}
        }
        Ok(())
    }

    fn names(&mut self, more: u32, offset: usize) -> Result<(), FunctionError> {
        self.names = self.names.saturating_add(more);
        bounded("imports and exports", self.names, NAMES_MAX, offset)
    }
}

fn bounded(what: &'static str, found: u32, max: u32, offset: usize) -> Result<(), FunctionError> {
    if found <= max {
        return Ok(());
    }
    Err(FunctionError::Source(CheckError::TooMany { what, max: u64::from(max), offset }))
}

fn invalid(error: &wasmparser::BinaryReaderError) -> FunctionError {
    let reason = kept(error.message());
    FunctionError::Source(CheckError::Invalid { offset: error.offset(), reason })
}

fn kept(text: &str) -> String {
    crate::limits::kept(text).to_owned()
}

#[cfg(test)]
mod tests;
