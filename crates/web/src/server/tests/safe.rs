//! The same over TLS: which of its versions are spoken, what browsers are told, and what plain talk comes to.

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use super::stage::{House, exchange, written};
use super::*;

/// A client that trusts this certificate alone and speaks this version alone.
fn client(certificate: &str, version: &'static SupportedProtocolVersion) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
    roots.add(der).expect("one that can be trusted");
    let builder = ClientConfig::builder_with_provider(crate::tls::provider());
    let builder = builder.with_protocol_versions(&[version]).expect("a version");
    TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

async fn ask(
    house: &House,
    connector: &TlsConnector,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> stage::Answered {
    let stream = TcpStream::connect(house.address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    let safe = connector.connect(name, stream).await.expect("TLS");
    let host = format!("localhost:{}", house.address.port());
    let text = written(line, &[&[("host", host.as_str())], headers].concat(), body);
    exchange(safe, text.as_bytes()).await
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_the_cookie_is_for_tls_alone() {
    let (house, certificate) = House::safe().await;
    for version in [&TLS12, &TLS13] {
        let connector = client(&certificate, version);
        assert_eq!(ask(&house, &connector, "GET /livez", &[], "").await.status, 200);
    }
    let connector = client(&certificate, &TLS13);
    let (code, _) = house.app.access.make_code(Role::Admin, now_ms()).expect("a code");
    let body = json!({ "code": code }).to_string();
    let login = ask(&house, &connector, "POST /api/v1/session", &[], &body).await;
    assert_eq!(login.status, 200, "{}", login.body);
    let cookie = login.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(cookie.starts_with("__Host-ostoja_session=") && cookie.contains("; Secure"), "{cookie}");
    let pair = cookie.split(';').next().expect("a pair");
    let session = [("cookie", pair)];
    assert_eq!(ask(&house, &connector, "GET /api/v1/session", &session, "").await.status, 200);
    // One of the other name may have been put there by whoever shares the host's name without TLS.
    let plain = pair.replace("__Host-", "");
    assert_eq!(ask(&house, &connector, "GET /api/v1/session", &[("cookie", &plain)], "").await.status, 401);
    // The loopback is many programs': none of them is to be cut off by what this one says.
    assert!(!login.head.contains("strict-transport-security"), "{}", login.head);
    assert_eq!(house.app.origin(), Some(format!("https://{}", house.address)));
}

#[tokio::test]
async fn plain_talk_and_a_foreign_name_are_refused() {
    let (house, certificate) = House::safe().await;
    let plain = house.ask("GET /livez", &[], "").await;
    assert_eq!((plain.status, plain.body.as_str()), (0, ""), "{}", plain.head);
    let connector = client(&certificate, &TLS13);
    let stream = TcpStream::connect(house.address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    let safe = connector.connect(name, stream).await.expect("TLS");
    let text = written("GET /livez", &[("host", "evil.example")], "");
    assert_eq!(exchange(safe, text.as_bytes()).await.status, 421);
    assert_eq!(house.asked(), [] as [Value; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_drips_is_let_go() {
    let (house, _) = House::safe().await;
    let mut slow = TcpStream::connect(house.address).await.expect("connected");
    slow.write_all(&[0x16, 0x03]).await.expect("sent");
    let mut all = Vec::new();
    timeout(HANDSHAKE_WITHIN * 3, slow.read_to_end(&mut all)).await.expect("in time").expect("hung up");
}

#[test]
fn off_the_loopback_there_is_no_listening_without_tls() {
    let options = |listen: &str, tls: Option<crate::tls::Files>| crate::options::Options {
        kernel_socket: PathBuf::new(),
        state: PathBuf::new(),
        listen: listen.parse().expect("an address"),
        tls,
        name: None,
    };
    let files = crate::tls::Files { certificate: PathBuf::from("c"), key: PathBuf::from("k") };
    for listen in ["0.0.0.0:7117", "192.0.2.7:80", "[::]:7117"] {
        assert!(options(listen, None).check().is_err(), "{listen}");
        assert!(options(listen, Some(files.clone())).check().is_ok(), "{listen}");
    }
    for listen in ["none", "127.0.0.1:7117", "[::1]:0"] {
        assert!(options(listen, None).check().is_ok(), "{listen}");
    }
}
