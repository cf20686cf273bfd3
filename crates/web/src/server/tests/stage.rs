//! A house for a test: the process's own server on real sockets, a kernel that only plays one, and a client that sends
//! exactly the bytes it is told.

use super::*;
use crate::tls::Certificates;

/// 10 s: what a test waits for comes within milliseconds, or never.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct House {
    pub(super) app: Arc<App>,
    pub(super) address: SocketAddr,
    socket: PathBuf,
    asked: Arc<Mutex<Vec<Value>>>,
    _folder: tempfile::TempDir,
}

pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

impl House {
    pub(super) async fn open() -> Self {
        Self::with(|path, asked| {
            let listener = UnixListener::bind(path).expect("a short path");
            tokio::spawn(play(listener, asked));
        })
        .await
    }

    pub(super) async fn without_kernel() -> Self {
        Self::with(|_, _| {}).await
    }

    /// With TLS by a certificate of its own, which comes along in PEM.
    pub(super) async fn safe() -> (Self, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let made = crate::tls::made(&["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("made");
        let files = crate::tls::Files {
            certificate: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        fs::write(&files.certificate, &made.certificate).expect("written");
        fs::write(&files.key, &made.key).expect("written");
        let certificates = Certificates::open(&files).expect("opened");
        let listen = |path: &Path, asked| {
            let listener = UnixListener::bind(path).expect("a short path");
            tokio::spawn(play(listener, asked));
        };
        (Self::built(folder, listen, Some(certificates)).await, made.certificate)
    }

    async fn with(kernel: impl FnOnce(&Path, Arc<Mutex<Vec<Value>>>)) -> Self {
        Self::built(tempfile::tempdir().expect("a folder"), kernel, None).await
    }

    async fn built(
        folder: tempfile::TempDir,
        kernel: impl FnOnce(&Path, Arc<Mutex<Vec<Value>>>),
        certificates: Option<Arc<Certificates>>,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kernel_socket = folder.path().join("kernel.sock");
        kernel(&kernel_socket, asked.clone());
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = tcp.local_addr().expect("an address");
        let app = Arc::new(App {
            door: Door::new(kernel_socket),
            access: Access::open(folder.path()).expect("opened"),
            hub: Arc::new(Hub::new("life".to_owned())),
            history: crate::history::History::default(),
            once: crate::once::Once::default(),
            gathered: crate::gathered::Gathered::default(),
            pace: crate::pace::Pace::default(),
            talks: crate::agents::Talks::default(),
            alerts: crate::alerts::running::Alerts::open(folder.path()).expect("opened"),
            counts: crate::metrics::Counts::default(),
            address: Some(address),
            certificates: certificates.clone(),
            name: None,
            state: folder.path().to_owned(),
            uploading: tokio::sync::Mutex::default(),
            matching: tokio::sync::Mutex::default(),
        });
        let socket = folder.path().join("api.sock");
        let unix = bind_unix(&socket).expect("bound");
        let acceptor = certificates.map(|certificates| certificates.acceptor().expect("TLS"));
        let server = Server::new(app.clone());
        tokio::spawn(server.clone().serve_unix(unix));
        tokio::spawn(server.serve_tcp(tcp, acceptor));
        Self { app, address, socket, asked, _folder: folder }
    }

    /// What the kernel was asked.
    pub(super) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value of `Authorization` for somebody of this role.
    pub(super) fn token(&self, role: Role) -> String {
        let (text, _) = self.app.access.make_token("test", role, None, now_ms()).expect("a token");
        format!("Bearer {text}")
    }

    /// A cookie and what goes with its changes.
    pub(super) async fn login(&self) -> (String, String) {
        let (code, _) = self.app.access.make_code(Role::Admin, now_ms()).expect("a code");
        let (cookie, session) =
            self.app.access.login(Ipv4Addr::LOCALHOST.into(), &code, now_ms()).expect("logged in");
        (format!("{}={cookie}", crate::access::COOKIE), session.csrf)
    }

    /// One request over TCP, as a browser of this machine would send it.
    pub(super) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let host = self.address.to_string();
        let text = written(line, &[&[("host", host.as_str())], headers].concat(), body);
        self.send(text.as_bytes()).await
    }

    pub(super) async fn ask_owner(&self, line: &str, body: &str) -> Answered {
        let stream = UnixStream::connect(&self.socket).await.expect("connected");
        exchange(stream, written(line, &[("host", "localhost")], body).as_bytes()).await
    }

    /// These bytes over TCP, and all that comes back.
    pub(super) async fn send(&self, bytes: &[u8]) -> Answered {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        exchange(stream, bytes).await
    }

    /// A request whose answer is read piece by piece.
    pub(super) async fn begin(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Streaming {
        let host = self.address.to_string();
        let text = written(line, &[&[("host", host.as_str())], headers].concat(), body);
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(text.as_bytes()).await.expect("sent");
        Streaming { stream, text: String::new() }
    }

    pub(super) async fn stream(&self, path: &str, token: &str, after: Option<&str>) -> Streaming {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        let after = after.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let host = self.address;
        let text = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {token}\r\n{after}\r\n");
        stream.write_all(text.as_bytes()).await.expect("sent");
        let mut streaming = Streaming { stream, text: String::new() };
        streaming.until("event: kernel").await;
        streaming
    }
}

/// An answer that does not end.
pub(super) struct Streaming {
    stream: TcpStream,
    text: String,
}

impl Streaming {
    /// Reads until this text came; gives all of it.
    pub(super) async fn until(&mut self, wanted: &str) -> String {
        let reading = async {
            let mut buffer = [0; 4096];
            while !self.text.contains(wanted) {
                let bytes = self.stream.read(&mut buffer).await.expect("read");
                assert_ne!(bytes, 0, "it ended: {}", self.text);
                self.text.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
            }
        };
        timeout(DEADLINE, reading).await.expect("in time");
        self.text.clone()
    }
}

pub(super) fn written(line: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
        text.push_str("content-type: application/json\r\n");
    }
    format!("{text}content-length: {}\r\n\r\n{body}", body.len())
}

pub(super) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) -> Answered {
    // Who is refused early may hang up before it has read all.
    let _refused = stream.write_all(bytes).await;
    let mut all = Vec::new();
    let _reset = timeout(DEADLINE, stream.read_to_end(&mut all)).await.expect("in time");
    let text = String::from_utf8_lossy(&all).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answered { status, head: head.to_owned(), body: body.to_owned() }
}

/// Says of every request which one it was; module `nobody` is not there, and every variable has version 7.
async fn play(listener: UnixListener, asked: Arc<Mutex<Vec<Value>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let asked = asked.clone();
        tokio::spawn(async move {
            let (reader, mut writer) = stream.into_split();
            let mut lines = BufReader::new(reader).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let request = json_of(&line);
                let answer = match (request["cmd"].as_str(), request["moduleId"].as_str()) {
                    (_, Some("nobody")) => json!({"ok": false, "error": "Module \"nobody\" not found",
                        "code": "kernel::order::not_found", "help": "ostoja ps"}),
                    (_, Some("planned")) if request["dryRun"] == true => {
                        json!({"ok": true, "data": {"steps": [{"code": "x", "text": "it ends", "moduleId": "planned"}]}})
                    }
                    (Some("context.get"), _) => json!({"ok": true, "data": {"version": 7}}),
                    (cmd, _) => json!({"ok": true, "data": {"did": cmd}}),
                };
                asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                if writer.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}
