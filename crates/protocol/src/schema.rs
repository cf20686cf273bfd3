//! JSON Schemas of the doors, generated from the wire types so that they cannot drift.

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::door::{FromModule, ToModule};

/// Both directions of the module door, under one roof so that a tool needs one file.
#[derive(JsonSchema)]
#[schemars(title = "The module door, version 1")]
#[expect(dead_code, reason = "the fields exist for the schema only")]
struct ModuleDoor {
    /// One line from the kernel to a module.
    to_module: ToModule,
    /// One line from a module to the kernel.
    from_module: FromModule,
}

/// The JSON Schema of the module door: `$defs/ToModule` and `$defs/FromModule`.
pub fn module_door() -> Value {
    schema_for!(ModuleDoor).to_value()
}

/// A schema as it is checked in: indented, with a line break at the end, the same for the same types.
pub fn to_text(schema: &Value) -> String {
    let mut text = format!("{schema:#}");
    text.push('\n');
    text
}
