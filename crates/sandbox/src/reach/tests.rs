//! What values mean, and what they don't.

use std::net::SocketAddr;

use super::{Reach, is_elsewhere, plain, port_of};

fn at(text: &str) -> SocketAddr {
    plain(text.parse().unwrap())
}

#[test]
fn ports_are_read_only_where_they_are_ports() {
    let cases = [
        ("host:80", Some(80)),
        ("host:65535", Some(65535)),
        ("host:65536", None),
        ("host:0", None),
        ("host:", None),
        ("host", None),
        ("127.0.0.1:1", Some(1)),
        ("[::1]:443", Some(443)),
        ("[::1]", None),
        ("::1", None),
        ("fe80::80", None),
        ("", None),
        (":", None),
    ];
    for (value, expected) in cases {
        assert_eq!(port_of(value), expected, "{value:?}");
    }
}

#[test]
fn a_name_means_itself_and_its_port() {
    let reach = Reach::of(["API.example:443", "other.example."]);
    assert!(reach.knows("api.example") && reach.knows("other.example"));
    assert!(!reach.knows("x.api.example") && !reach.knows("xapi.example") && !reach.knows("example"));
    assert!(reach.allows_name("api.example", 443) && !reach.allows_name("api.example", 80));
    assert!(reach.allows_name("other.example", 1));
    assert_eq!(reach.to_string(), "api.example:443 other.example");
    assert_eq!(reach.names_at(80).collect::<Vec<_>>(), ["other.example"]);
}

#[test]
fn a_star_before_a_dot_means_what_is_below() {
    let reach = Reach::of(["*.example:443"]);
    assert!(reach.allows_name("a.example", 443) && reach.allows_name("a.b.example", 443));
    assert!(!reach.knows("example") && !reach.knows("badexample") && !reach.knows("a.example.org"));
}

#[test]
fn an_address_means_itself_in_whatever_clothes() {
    let reach = Reach::of(["10.0.0.7:80", "[::1]:81"]);
    assert!(reach.allows_address(at("10.0.0.7:80")) && reach.allows_address(at("[::ffff:10.0.0.7]:80")));
    assert!(reach.allows_address(at("[::1]:81")) && reach.allows_address(at("[::]:81")));
    assert!(!reach.allows_address(at("10.0.0.7:81")) && !reach.allows_address(at("10.0.0.8:80")));
    assert!(!reach.allows_address(at("127.0.0.1:81")));
}

#[test]
fn every_host_at_a_port_is_not_this_machine() {
    let reach = Reach::of(["*:80"]);
    assert!(reach.allows_address(at("93.184.216.34:80")) && reach.allows_address(at("[2001:db8::1]:80")));
    for here in ["127.0.0.1:80", "0.0.0.0:80", "[::ffff:127.0.0.1]:80", "[::1]:80", "169.254.169.254:80"] {
        assert!(!reach.allows_address(at(here)), "{here}");
    }
    assert!(!reach.allows_listening("0.0.0.0:80".parse().unwrap()));
}

#[test]
fn who_may_reach_the_loopback_by_its_name_may_by_both_addresses() {
    let reach = Reach::of(["localhost:80"]);
    assert!(reach.allows_address(at("127.0.0.1:80")) && reach.allows_address(at("[::1]:80")));
    assert!(!reach.allows_address(at("127.0.0.1:81")));
}

#[test]
fn listening_needs_the_very_address() {
    let reach = Reach::of(["127.0.0.1:80", "0.0.0.0:90", "api.example:70"]);
    let may = |text: &str| reach.allows_listening(text.parse().unwrap());
    assert!(may("127.0.0.1:80") && may("0.0.0.0:90") && may("[::ffff:127.0.0.1]:80"));
    assert!(!may("0.0.0.0:80") && !may("[::]:80") && !may("127.0.0.1:90") && !may("127.0.0.1:70"));
    assert!(!Reach::of(["127.0.0.1"]).allows_listening("127.0.0.1:0".parse().unwrap()));
    assert!(Reach::of(["127.0.0.1"]).allows_listening("127.0.0.1:1".parse().unwrap()));
}

#[test]
fn what_is_no_place_means_nothing() {
    let reach = Reach::of(["", ":", "http://x/", "a b", "host:99999", "x:0", "*x", "ex*ample:80"]);
    assert_eq!(reach.to_string(), "nothing");
}

#[test]
fn a_name_can_not_mean_this_machine() {
    for here in
        ["127.1.2.3", "0.1.2.3", "169.254.1.1", "::1", "::", "fe80::1", "::ffff:127.0.0.1", "224.0.0.1"]
    {
        assert!(!is_elsewhere(here.parse().unwrap()), "{here}");
    }
    for elsewhere in ["10.0.0.1", "93.184.216.34", "2001:db8::1", "fd00::1"] {
        assert!(is_elsewhere(elsewhere.parse().unwrap()), "{elsewhere}");
    }
}
