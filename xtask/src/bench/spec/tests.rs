//! Numbers go where they belong, again and again.

use super::filled;

const PAGE: &str = "# A\n<!-- bench:cold -->\nnot measured yet\n<!-- /bench:cold -->\nend\n";

#[test]
fn a_block_is_replaced_and_can_be_replaced_again() {
    let once = filled(PAGE, "cold", "\n12 ms\n").unwrap();
    assert_eq!(once, "# A\n<!-- bench:cold -->\n\n12 ms\n\n<!-- /bench:cold -->\nend\n");
    assert_eq!(filled(&once, "cold", "\n12 ms\n").unwrap(), once);
}

#[test]
fn missing_markers_are_told() {
    assert!(filled(PAGE, "calls", "x").unwrap_err().to_string().contains("bench:calls"));
    assert!(filled("<!-- bench:calls -->", "calls", "x").is_err());
}
