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
