//! Names that a browser may use for us, and those that an attack uses.

use axum::http::HeaderValue;

use super::*;

fn site(own: [u8; 4], certificates: Option<Arc<Certificates>>) -> Site {
    Site { own: SocketAddr::from((own, 7117)), peer: IpAddr::from([192, 0, 2, 1]), certificates }
}

fn checked(uri: &str, pairs: &[(&'static str, &str)]) -> Result<(), StatusCode> {
    let site = site([127, 0, 0, 1], None);
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).expect("a value"));
    }
    let uri: Uri = uri.parse().expect("a URI");
    check(&site, &Method::GET, &uri, &headers).map_err(|problem| problem.status)
}

const MISDIRECTED: Result<(), StatusCode> = Err(StatusCode::MISDIRECTED_REQUEST);
const FORBIDDEN: Result<(), StatusCode> = Err(StatusCode::FORBIDDEN);

#[test]
fn only_names_of_the_loopback_with_our_port_are_ours() {
    for own in ["127.0.0.1:7117", "localhost:7117", "LOCALHOST:7117", "[::1]:7117"] {
        assert_eq!(checked("/", &[("host", own)]), Ok(()), "{own}");
    }
    let foreign = [
        "evil.example:7117",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:7117",
        "localhost:7117@evil",
        "",
        "[::1]",
    ];
    for other in foreign {
        assert_eq!(checked("/", &[("host", other)]), MISDIRECTED, "{other}");
    }
    assert_eq!(checked("/", &[]), MISDIRECTED);
    assert_eq!(checked("/", &[("host", "localhost:7117"), ("host", "evil.example")]), MISDIRECTED);
    assert_eq!(checked("http://evil.example/", &[("host", "localhost:7117")]), MISDIRECTED);
}

#[test]
fn a_foreign_page_may_neither_change_nor_look() {
    let host = ("host", "127.0.0.1:7117");
    assert_eq!(checked("/", &[host, ("origin", "http://127.0.0.1:7117")]), Ok(()));
    for origin in ["http://evil.example", "https://127.0.0.1:7117", "null", "http://127.0.0.1:8080", ""] {
        assert_eq!(checked("/", &[host, ("origin", origin)]), FORBIDDEN, "{origin}");
    }
    assert_eq!(
        checked("/", &[host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]),
        FORBIDDEN
    );
    assert_eq!(
        checked("/", &[host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]),
        Ok(())
    );
    assert_eq!(checked("/", &[host, ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")]), Ok(()));
}

#[test]
fn a_secret_in_the_url_is_refused_and_a_long_url_too() {
    let host = ("host", "localhost:7117");
    for uri in ["/api/v1/modules?token=ostoja_1", "/?x=1&Access_Token=1"] {
        assert_eq!(checked(uri, &[host]), Err(StatusCode::BAD_REQUEST), "{uri}");
    }
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert_eq!(checked(&path(URI_BYTES_MAX), &[host]), Ok(()));
    assert_eq!(checked(&path(URI_BYTES_MAX + 1), &[host]), Err(StatusCode::URI_TOO_LONG));
}

#[test]
fn over_tls_a_name_is_ours_when_the_certificate_is_for_it_and_only_its_own_pages_may_ask() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = crate::tls::made(&["box.example".to_owned()]).expect("a certificate");
    let files =
        crate::tls::Files { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificate, made.certificate).expect("written");
    std::fs::write(&files.key, made.key).expect("written");
    let certificates = Some(Certificates::open(&files).expect("opened"));
    let site = site([192, 0, 2, 7], certificates);
    assert!(site.is_strict());
    let asked = |host: &'static str, origin: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_static(origin));
        }
        check(&site, &Method::GET, &Uri::from_static("/"), &headers).map_err(|problem| problem.status)
    };
    for host in ["box.example:7117", "box.example", "box.example:8443", "192.0.2.7:7117"] {
        assert_eq!(asked(host, None), Ok(()), "{host}");
    }
    for host in ["evil.example:7117", "localhost:7117", "127.0.0.1:7117", "192.0.2.7", "192.0.2.8:7117"] {
        assert_eq!(asked(host, None), MISDIRECTED, "{host}");
    }
    assert_eq!(asked("box.example:7117", Some("https://box.example:7117")), Ok(()));
    for origin in ["http://box.example:7117", "https://box.example", "https://192.0.2.7:7117", "null"] {
        assert_eq!(asked("box.example:7117", Some(origin)), FORBIDDEN, "{origin}");
    }
}
