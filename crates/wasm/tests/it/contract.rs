//! The contract as it is written down and what the engine offers and asks for are the same thing.

use wasm::{Module, Pace};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use crate::host::{chain, engine, grant};

/// A component that imports and exports everything the text names. Each type is compared when it is linked, so the
/// text can't say something else than the code.
#[test]
fn component_made_from_the_contract_is_a_module() {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("ostoja.wit", include_str!("../../wit/ostoja.wit")).unwrap();
    let world = resolve.select_world(&[package], Some("module")).unwrap();
    let mut core = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    let binary = ComponentEncoder::default().module(&core).unwrap().encode().unwrap();

    let mut granted = grant();
    granted.secrets.insert("token".to_owned());
    let module =
        Module::compile(&engine(), &binary, granted).unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(module.pace(), Pace::Waits, "it imports `bus.call`");
    let text = wat_of(&binary);
    for function in ["write", "open", "subscribe", "publish", "call", "sender", "trace", "wall-ms"] {
        assert!(text.contains(&format!("\"{function}\"")), "the component imports `{function}`");
    }
}

fn wat_of(binary: &[u8]) -> String {
    let names: Vec<String> = wasmparser::Parser::new(0)
        .parse_all(binary)
        .filter_map(Result::ok)
        .filter_map(|payload| match payload {
            wasmparser::Payload::ImportSection(section) => Some(section),
            _ => None,
        })
        .flat_map(|section| section.into_imports().filter_map(Result::ok))
        .map(|import| format!("\"{}\"", import.name))
        .collect();
    names.join(" ")
}
