//! The dashboard off the loopback, as Python's own TLS sees it: a certificate that is its own, the versions that are spoken,
//! and a new certificate in the place of the old one.

use std::process::Command;

use serde_json::{Value, json};

use crate::kernel::{Running, check_schema, project};

/// Connects by the name that the certificate is for and says what it found, one value a line of JSON.
const CLIENT: &str = r#"
import hashlib, http.client, json, socket, ssl, sys

cert, port = sys.argv[1], int(sys.argv[2])

def connect(context, name="box.example"):
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    return context.wrap_socket(raw, server_hostname=name)

def tried(context, name="box.example"):
    try:
        connect(context, name).close()
        return "connected"
    except ssl.SSLError as error:
        return "refused" if isinstance(error, ssl.SSLCertVerificationError) else "no version"

def trusting(newest=None):
    context = ssl.create_default_context(cafile=cert)
    # The certificate vouches for itself, which is no chain as the strictest rules want it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if newest is not None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
    return context

stream = connect(trusting())
der = stream.getpeercert(binary_form=True)
pairs = hashlib.sha256(der).hexdigest().upper()
stream.sendall(f"GET /livez HTTP/1.1\r\nHost: box.example:{port}\r\nConnection: close\r\n\r\n".encode())
response = http.client.HTTPResponse(stream)
response.begin()
plain = socket.create_connection(("127.0.0.1", port), timeout=20)
try:
    plain.sendall(f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    heard = plain.recv(1000)
except OSError:
    heard = b""
old = trusting(ssl.TLSVersion.TLSv1_1)
old.set_ciphers("DEFAULT@SECLEVEL=0")
print(json.dumps({
    "version": stream.version(),
    "fingerprint": ":".join(pairs[at:at + 2] for at in range(0, 64, 2)),
    "status": response.status, "body": response.read().decode(),
    "twelve": tried(trusting(ssl.TLSVersion.TLSv1_2)),
    "eleven": tried(old),
    "untrusted": tried(ssl.create_default_context()),
    "foreign": tried(trusting(), "evil.example"),
    "plain": b"HTTP/" in heard,
}))
"#;

fn seen(kernel: &Running, url: &str) -> Value {
    let script = kernel.world.home().join("client.py");
    std::fs::write(&script, CLIENT).expect("written");
    let port = url.rsplit("/#").nth(1).and_then(|origin| origin.rsplit(':').next()).expect("a port");
    let cert = kernel.world.home().join("state/web/tls/cert.pem");
    let output = Command::new("python3").arg(script).arg(cert).arg(port).output().expect("python3 is here");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("{error}: {said}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn off_the_loopback_it_listens_with_tls_only_by_a_certificate_of_its_own_or_a_newer_one() {
    let (kernel, _) = Running::start(&project(""), 0);
    let refused = kernel.run("dashboard --listen 0.0.0.0:0").expect(2);
    assert!(refused.stderr.contains("there is no TLS"), "{}", refused.stderr);
    let on = "dashboard --listen 0.0.0.0:0 --tls-self-signed --tls-name box.example";
    let link = kernel.data(on);
    check_schema("dashboard", &link);
    let url = link["url"].as_str().expect("a link");
    assert!(url.starts_with("https://box.example:"), "{url}");
    let found = seen(&kernel, url);
    let wanted = json!({
        "version": "TLSv1.3", "fingerprint": link["fingerprint"], "status": 200, "body": "alive",
        "twelve": "connected", "eleven": "no version", "untrusted": "refused", "foreign": "refused", "plain": false,
    });
    assert_eq!(found, wanted);
    // It stays on without a word about TLS, and a new certificate is another one.
    assert_eq!(kernel.data("dashboard")["fingerprint"], Value::Null);
    let renewed = kernel.data("dashboard --tls-self-signed --tls-name box.example");
    assert_ne!(renewed["fingerprint"], link["fingerprint"]);
    let found = seen(&kernel, renewed["url"].as_str().expect("a link"));
    assert_eq!(found["fingerprint"], renewed["fingerprint"]);
}

#[test]
fn a_certificate_that_is_not_there_is_told_by_why() {
    let (kernel, _) = Running::start(&project(""), 0);
    let place = kernel.world.home();
    kernel.run(&format!("config set ostoja-web.tls.cert {}/nowhere/cert.pem", place.display())).expect(0);
    kernel.run(&format!("config set ostoja-web.tls.key {}/nowhere/key.pem", place.display())).expect(0);
    assert_ne!(kernel.run("dashboard --timeout 3s").code, 0);
    let story = kernel.run("why ostoja-web --json").expect(0).stdout;
    assert!(story.contains("there can be no TLS") || story.contains("nowhere"), "{story}");
}
