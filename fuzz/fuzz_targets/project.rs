//! Any text as a YAML file of ours: `ostoja.yaml`, `config.yaml` with an edit, `permissions.yaml`. A value or
//! complaints, never a panic; an edited file means what was asked for; a store survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::files::config::{Config, Layer, set_in_text};
use protocol::files::permissions::Store;
use protocol::files::project::{Project, Source};
use serde_json::Value;

fuzz_target!(|text: &str| {
    if let Ok(project) = Project::parse("ostoja.yaml", text) {
        for module in &project.modules {
            assert!(!matches!(&module.source, Source::Run(words) if words.is_empty()));
            assert!(module.needs.iter().all(|need| project.module(need.as_str()).is_some()));
        }
    }
    if let Ok(layer) = Layer::parse("config.yaml", text) {
        let _ = Config::merge(&[layer]);
        if let Ok(edited) = set_in_text("config.yaml", text, "a.b", &Value::from("x: y")) {
            let layer = Layer::parse("config.yaml", &edited).expect("an edited file can be read");
            assert_eq!(Config::merge(&[layer]).get("a.b"), Some(&Value::from("x: y")));
        }
    }
    if let Ok((store, _)) = Store::parse("permissions.yaml", text) {
        let (again, _) =
            Store::parse("permissions.yaml", &store.to_yaml()).expect("what is written can be read");
        assert_eq!(again, store);
    }
});
