//! Places and literals of both parsers.

use super::*;

fn show(node: &Node, out: &mut Vec<String>, name: &str) {
    let literal = node.literal().unwrap_or(node.kind.word());
    out.push(format!("{name} {} {literal}", node.at));
    for (key, value) in node.entries() {
        show(value, out, &format!("{name}.{}({})", key.text, key.at));
    }
    if let Kind::List(items) = &node.kind {
        for item in items {
            show(item, out, &format!("{name}[]"));
        }
    }
}

fn shown(node: &Node) -> Vec<String> {
    let mut out = Vec::new();
    show(node, &mut out, "");
    out
}

#[test]
fn json_knows_the_place_of_every_value() {
    let text = "{\"ł\": 1.50,\n \"b\": [true, null,\n{\"c\" : \"\\u0041\"}]}";
    let node = from_json(Area::Manifest, "f", text).expect("JSON");
    assert_eq!(
        shown(&node),
        [
            " 1:1 a map",
            ".ł(1:2) 1:7 1.50",
            ".b(2:2) 2:7 a list",
            ".b(2:2)[] 2:8 true",
            ".b(2:2)[] 2:14 empty",
            ".b(2:2)[] 3:1 a map",
            ".b(2:2)[].c(3:2) 3:8 A",
        ]
    );
}

#[test]
fn yaml_knows_the_place_of_every_value() {
    let text = "ł: 1.50\nb:\n  - true\n  - ~\n  - c: \"\\x41\"\n    d: 0755\nx: &x {y: 007}\nz: *x\n";
    let node = from_yaml(Area::Project, "f", text).expect("YAML");
    assert_eq!(
        shown(&node),
        [
            " 1:1 a map",
            ".ł(1:1) 1:4 1.50",
            ".b(2:1) 3:3 a list",
            ".b(2:1)[] 3:5 true",
            ".b(2:1)[] 4:5 empty",
            ".b(2:1)[] 5:5 a map",
            ".b(2:1)[].c(5:5) 5:8 A",
            ".b(2:1)[].d(6:5) 6:8 0755",
            ".x(7:1) 7:7 a map",
            ".x(7:1).y(7:8) 7:11 007",
            ".z(8:1) 8:4 a map",
            ".z(8:1).y(8:4) 8:4 007",
        ]
    );
}

#[test]
fn debug_shows_no_value() {
    let node = from_yaml(Area::Config, "f", "password: hunter2").expect("YAML");
    assert_eq!(format!("{node:?}"), "Node(f:1:1, a map)");
    assert!(!format!("{:?}", node.entries()[0].1).contains("hunter2"));
}

#[test]
fn a_map_of_json_has_at_most_4096_entries() {
    let object = |count: usize| {
        let entries: Vec<String> = (0..count).map(|number| format!("\"k{number}\":1")).collect();
        format!("{{{}}}", entries.join(","))
    };
    assert!(from_json(Area::Manifest, "f", &object(4096)).is_ok());
    assert!(from_json(Area::Manifest, "f", &object(4097)).is_err());
}

#[test]
fn json_may_be_64_levels_deep() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(from_json(Area::Manifest, "f", &deep(64)).is_ok());
    assert!(from_json(Area::Manifest, "f", &deep(65)).is_err());
    assert!(from_json(Area::Manifest, "f", &deep(100_000)).is_err());
}
