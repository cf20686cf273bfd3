//! What may come in.

use std::collections::BTreeSet;

use serde_json::json;

use super::{allowed, check, satisfied};

const POLICY: &str = "[licenses]\n# Ours.\nallow = [\n  \"MIT\", # \"GPL-3.0\"\n  \"Apache-2.0\",\n  \"Apache-2.0 WITH LLVM-exception\",\n]\n[bans]\n";

fn list() -> BTreeSet<String> {
    allowed(POLICY).unwrap()
}

#[test]
fn the_list_is_read_without_its_comments() {
    assert_eq!(
        list().into_iter().collect::<Vec<_>>(),
        ["Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT"]
    );
    assert!(allowed("[bans]\n").is_err());
}

#[test]
fn expressions_are_met_or_not() {
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(MIT OR GPL-3.0) AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(satisfied(good, &list()), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "MIT OR",
        "MIT)",
        "MIT WITH Nothing",
        "GPL-3.0 OR (MIT AND EPL-2.0)",
    ] {
        assert!(!satisfied(bad, &list()), "{bad}");
    }
}

#[test]
fn packages_are_judged_by_licence_and_source() {
    let package = |licence: &str, source: &str| json!({"name": "a", "version": "1", "license": licence, "source": source});
    let judge = |package| check(&list(), &json!({"packages": [package]})).len();
    assert_eq!(judge(package("MIT", "registry+https://example.org")), 0);
    assert_eq!(judge(json!({"name": "own", "version": "0", "license": "MIT", "source": null})), 0);
    assert_eq!(judge(package("LGPL-3.0", "registry+https://example.org")), 1);
    assert_eq!(judge(package("MIT", "git+https://example.org")), 1);
    assert_eq!(judge(json!({"name": "a", "version": "1", "license": null, "source": null})), 1);
}
