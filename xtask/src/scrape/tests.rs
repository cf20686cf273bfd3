//! What is read of the page and of what is handed out.

use super::*;

#[test]
fn families_are_read_from_the_page_with_the_type_that_their_names_say() {
    let page = "| family | what |\n| `ostoja_a{state}`, `ostoja_b_total{code}` | one |\n| `ostoja_c_seconds{le}` | two |\n`ostoja_no` is said elsewhere\n";
    let of = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let expected = [of("ostoja_a", "gauge"), of("ostoja_b", "counter"), of("ostoja_c_seconds", "histogram")];
    assert_eq!(documented(page), expected.into());
}

#[test]
fn metrics_are_found_in_expressions() {
    let text = "rate(ostoja_a_total{module=\"x\"}[5m]) / ostoja_b and ostojas_c";
    assert_eq!(named(text), ["ostoja_a_total".to_owned(), "ostoja_b".to_owned()].into());
}
