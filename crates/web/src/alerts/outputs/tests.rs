//! What each service is sent, and the whole way to servers that only play them.

use std::net::TcpListener;
use std::thread;

use super::*;

fn told(level: Level, subject: &str) -> Notification {
    Notification {
        rule: "memory".to_owned(),
        subject: subject.to_owned(),
        level,
        value: 2.5,
        since_ms: 1,
        at_ms: 7,
    }
}

fn made(preset: Preset) -> Letter {
    letter("https://h.example/a?b=c", preset, Some("t0k"), &told(Level::Critical, "web")).expect("a letter")
}

#[test]
fn each_preset_says_the_same_in_the_words_of_its_service() {
    let text = "critical: web: memory is 2.5";
    let body =
        |preset| made(preset).text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).expect("a body");
    assert_eq!(body(Preset::Ntfy), text);
    let json = |preset| serde_json::from_str::<Value>(&body(preset)).expect("JSON");
    assert_eq!(json(Preset::Slack), json!({ "text": text }));
    assert_eq!(json(Preset::Gotify), json!({ "title": "Ostoja", "message": text, "priority": 8 }));
    assert_eq!(json(Preset::Discord)["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(json(Preset::Matrix), json!({ "msgtype": "m.text", "body": text }));
    assert_eq!(json(Preset::Plain)["notification"]["level"], "critical");
    assert!(made(Preset::Ntfy).text.contains("\r\nPriority: 5\r\n"));
    assert!(made(Preset::Gotify).text.contains("\r\nX-Gotify-Key: t0k\r\n"));
    assert!(made(Preset::Matrix).text.starts_with("PUT /a?b=c HTTP/1.1\r\nHost: h.example:443\r\n"));
}

#[test]
fn addresses_that_are_none_are_refused() {
    let to = |url: &str| letter(url, Preset::Plain, None, &told(Level::Warning, "")).is_err();
    for url in ["", "ntfy.example", "ftp://a.example/", "http:///x", "https://", "http://a b/"] {
        assert!(to(url), "{url}");
    }
    let token = letter("http://a.example", Preset::Plain, Some("a\r\nb: c"), &told(Level::Warning, ""));
    assert!(token.is_err());
    for address in ["", "me", "me@a.example>\r\nDATA", "a@b c"] {
        assert!(mail("o@a.example", address, &told(Level::Warning, "")).is_err(), "{address}");
    }
}

#[test]
fn each_message_to_matrix_has_a_number_of_its_own() {
    let url =
        numbered("https://m.example/send/m.room.message/", Preset::Matrix, &told(Level::Warning, "we/b"));
    assert_eq!(url, "https://m.example/send/m.room.message/7-memoryweb");
}

#[test]
fn a_service_is_called_with_the_sentence_and_the_notification() {
    let request = serde_json::to_value(call("pager", "alert", &told(Level::Critical, "web"))).expect("JSON");
    assert_eq!((&request["service"], &request["method"]), (&json!("pager"), &json!("alert")));
    assert_eq!(request["params"]["text"], "critical: web: memory is 2.5");
    assert_eq!(request["params"]["notification"]["rule"], "memory");
}

#[test]
fn a_name_cannot_add_a_header_or_end_a_mail() {
    let lines =
        mail("o@a.example", "me@a.example", &told(Level::Warning, "x\r\n.\r\nRCPT TO:<you@a.example>"));
    let text = lines.expect("a mail").concat();
    assert_eq!(text.matches("\r\n.\r\n").count(), 1, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("RCPT")).count(), 1);
}

/// Answers each of these lines once, and gives what it heard.
fn play(greeting: Option<&'static str>, answers: Vec<&'static str>) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let playing = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody");
        let (mut heard, mut buffer) = (String::new(), [0; 4096]);
        if let Some(greeting) = greeting {
            stream.write_all(greeting.as_bytes()).expect("written");
        }
        for answer in answers {
            let bytes = stream.read(&mut buffer).expect("read");
            heard.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
            stream.write_all(answer.as_bytes()).expect("written");
        }
        heard
    });
    (port, playing)
}

#[test]
fn a_webhook_is_posted_and_its_refusal_told_without_its_address() {
    let (port, playing) = play(None, vec!["HTTP/1.1 200 OK\r\n\r\n"]);
    let hook = |port| Output::Webhook {
        name: "hook".to_owned(),
        url: format!("http://127.0.0.1:{port}/secret"),
        preset: Preset::Slack,
        token: None,
    };
    send(&hook(port), &told(Level::Warning, "web")).expect("told");
    assert!(playing.join().expect("played").contains("POST /secret HTTP/1.1"));
    let (port, playing) = play(None, vec!["HTTP/1.1 404 No\r\n\r\n"]);
    let error = send(&hook(port), &told(Level::Warning, "web")).expect_err("refused").to_string();
    assert_eq!(error, "it answered 404");
    playing.join().expect("played");
}

#[test]
fn a_mail_is_sent_step_by_step_and_its_refusal_told() {
    let to = |port| Output::Mail {
        name: "me".to_owned(),
        server: format!("127.0.0.1:{port}"),
        from: "o@a.example".to_owned(),
        recipient: "me@a.example".to_owned(),
    };
    let answers = vec![
        "250-here\r\n250 ok\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "250 taken\r\n",
        "221 bye\r\n",
    ];
    let (port, playing) = play(Some("220 here\r\n"), answers);
    send(&to(port), &told(Level::Resolved, "web")).expect("told");
    let heard = playing.join().expect("played");
    assert!(heard.contains("RCPT TO:<me@a.example>") && heard.contains("resolved: web"), "{heard}");
    let (port, playing) = play(Some("220 here\r\n"), vec!["250 ok\r\n", "550 no\r\n"]);
    let error = send(&to(port), &told(Level::Resolved, "web")).expect_err("refused").to_string();
    assert_eq!(error, "it answered 550");
    playing.join().expect("played");
}

#[test]
fn one_that_says_nothing_is_waited_for_only_until_the_end_of_all_steps() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let stream = first_of(&[address], Instant::now() + Duration::from_millis(50)).expect("connected");
    let error = posted(stream, "POST / HTTP/1.1\r\n\r\n").expect_err("it took too long");
    assert!(matches!(error, SendError::Way { doing: "read the answer", .. }), "{error}");
    let over = first_of(&[address], Instant::now()).map(|_| ()).expect_err("no time is left");
    assert!(matches!(over, SendError::Way { doing: "connect", .. }), "{over}");
}

/// Takes one request over TLS with this certificate and answers it well; gives what it heard, or nothing without TLS.
fn play_safe(made: &crate::tls::MadeCertificate) -> (u16, thread::JoinHandle<Option<String>>) {
    use rustls::pki_types::PrivateKeyDer;
    let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("a key");
    let builder = rustls::ServerConfig::builder_with_provider(crate::tls::provider());
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let config = Arc::new(builder.with_single_cert(vec![certificate], key).expect("a pair"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let playing = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("somebody");
        let connection = rustls::ServerConnection::new(config).expect("a server");
        let mut safe = StreamOwned::new(connection, stream);
        let mut buffer = [0; 4096];
        let bytes = safe.read(&mut buffer).ok()?;
        safe.write_all(b"HTTP/1.1 204 Taken\r\n\r\n").ok()?;
        Some(String::from_utf8_lossy(&buffer[..bytes]).into_owned())
    });
    (port, playing)
}

#[test]
fn over_tls_a_message_reaches_only_a_host_that_a_trusted_certificate_is_for() {
    let made = crate::tls::made(&["hooks.example".to_owned()]).expect("a certificate");
    let stranger = crate::tls::made(&["hooks.example".to_owned()]).expect("a certificate");
    let text = made_for_hooks().text;
    let tried = |host: &str, trusted: &str| {
        let (port, playing) = play_safe(&made);
        let stream = connect("127.0.0.1", port).expect("connected");
        let trusted = trusting(trusted.as_bytes()).expect("an authority");
        let outcome = secured(stream, host, trusted).and_then(|stream| posted(stream, &text));
        (outcome, playing.join().expect("played"))
    };
    let (accepted, heard) = tried("hooks.example", &made.certificate);
    assert_eq!(accepted.expect("told"), "204");
    assert!(heard.expect("a request").starts_with("POST /in HTTP/1.1\r\nHost: hooks.example:443"));
    for (host, trusted) in [("other.example", &made.certificate), ("hooks.example", &stranger.certificate)] {
        let (refused, heard) = tried(host, trusted);
        assert!(refused.is_err(), "{host}");
        assert_eq!(heard, None, "nothing is said to somebody else");
    }
    assert!(trusting(b"nothing in PEM").is_none());
}

fn made_for_hooks() -> Letter {
    letter("https://hooks.example/in", Preset::Plain, None, &told(Level::Warning, "web")).expect("a letter")
}
