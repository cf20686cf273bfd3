//! Files and pages, and paths that want out.

use super::*;

fn status(path: &str) -> Result<StatusCode, StatusCode> {
    file(path, &HeaderMap::new()).map(|response| response.status()).map_err(|problem| problem.status)
}

#[test]
fn pages_are_the_first_file_and_unknown_files_are_not_there() {
    for page in ["/", "/modules", "/modules/shop"] {
        assert_eq!(status(page), Ok(StatusCode::OK), "{page}");
    }
    assert_eq!(status("/nothing.js"), Err(StatusCode::NOT_FOUND));
}

#[test]
fn no_path_leads_out_of_the_files() {
    let ways = [
        "/../Cargo.toml",
        "/..%2fCargo.toml",
        "//etc/passwd.txt",
        "/./../../Cargo.toml",
        "/dist/../../Cargo.toml",
        "/\\..\\Cargo.toml",
        "/index.html/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/index.html%00.js",
    ];
    for way in ways {
        assert_eq!(status(way), Err(StatusCode::NOT_FOUND), "{way}");
    }
}

#[test]
fn what_a_browser_has_already_is_not_sent_again() {
    let first = file("/", &HeaderMap::new()).expect("a page");
    let mut headers = HeaderMap::new();
    headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
    assert_eq!(file("/", &headers).expect("a page").status(), StatusCode::NOT_MODIFIED);
}
