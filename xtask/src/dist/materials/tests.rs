//! The bill names what others wrote, each once, and nothing of this machine.

use serde_json::json;

use super::bill;
use crate::dist::Release;

#[test]
fn every_crate_stands_once_with_its_licence() {
    let release = Release { program: "ostoja".into(), version: "1.2.3".to_owned(), epoch: 0 };
    let tree = "cli v0.0.0 (/home/somebody/cli)|MIT\nb v2.0.0|MIT OR Apache-2.0\na v1.0.0 (proc-macro)|ISC\nb v2.0.0|MIT OR Apache-2.0\n\n";
    let bill = bill(&release, tree).expect("it can be read");
    let names: Vec<_> =
        bill["components"].as_array().expect("a list").iter().map(|one| &one["purl"]).collect();
    assert_eq!(names, [&json!("pkg:cargo/a@1.0.0"), &json!("pkg:cargo/b@2.0.0")]);
    assert_eq!(bill["components"][0]["licenses"], json!([{ "expression": "ISC" }]));
    assert!(!bill.to_string().contains("somebody"));
    assert!(super::bill(&release, "no licence here").is_err());
}
