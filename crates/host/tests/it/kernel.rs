//! A kernel in a process of its own: this test program started again with a name of a home. What is printed by the test
//! harness there goes nowhere; the kernel is talked with through its door alone.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use host::{Home, Options, Presence, ProjectSource};
use serde_json::{Value, json};

/// The variable that makes this program a kernel.
const HOME: &str = "OSTOJA_TEST_HOME";

/// 20 s: far more than anything here takes, on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// 2 ms between two looks at something that is waited for, so that waiting tests leave the processors to the kernels.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Not a test of its own: the kernel's process. It returns at once when it is run as one of the tests.
#[test]
fn kernel_process() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let home = Home::at(Path::new(&home));
    let project = home.root().join("ostoja.yaml");
    let options = Options {
        project: project.is_file().then_some(ProjectSource::File(project)),
        home,
        presence: Presence::Background,
        companion: None,
        bridge: None,
        sentinel: std::env::var_os("OSTOJA_TEST_SENTINEL").map(|program| {
            vec![
                program,
                "--exact".into(),
                "kernel::sentinel_process".into(),
                "--nocapture".into(),
                "--".into(),
            ]
        }),
        net_helper: std::env::var_os("OSTOJA_TEST_NET").map(|program| {
            vec![program, "--exact".into(), "kernel::net_helper_process".into(), "--nocapture".into()]
        }),
        frames: host::Frames::Untold,
        renewal: None,
        observe: None,
        version: "0.0.0-test".to_owned(),
        safety: match std::env::var_os("OSTOJA_TEST_SAFE") {
            Some(_) => host::Safety::SafeMode,
            None => host::Safety::Usual,
        },
        seed: Some(7),
    };
    // The observer is called on the kernel's own thread, so what it does there the kernel does.
    let falls = std::env::var_os("OSTOJA_TEST_FAULT").is_some();
    let observe = move |news: &host::News| assert!(!falls || !matches!(news, host::News::Settled(_)));
    if let Err(error) = host::run(options, observe) {
        eprintln!("{error:?}");
        std::process::exit(70);
    }
    std::process::exit(0);
}

/// Not a test of its own: the sentinel's process.
#[test]
fn sentinel_process() {
    let words: Vec<_> = std::env::args_os().collect();
    let is_sentinel = words.last().is_some_and(|last| Path::new(last).join("cgroup.kill").is_file());
    if is_sentinel {
        let _code = host::sentinel_main(&words);
        std::process::exit(0);
    }
}

/// Not a test of its own: the net helper's process. Only a kernel hands a local socket over as standard input.
#[test]
fn net_helper_process() {
    let is_helper = std::env::args_os().len() == 4 && std::env::var_os(HOME).is_some();
    if is_helper {
        let _code = host::net_helper_main();
        std::process::exit(0);
    }
}

/// A home and the kernel that runs on it.
pub(crate) struct Kernel {
    folder: tempfile::TempDir,
    process: Option<Child>,
}

impl Kernel {
    /// A home with this `ostoja.yaml`, and no kernel yet.
    pub(crate) fn home(project: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kernel = Self { folder, process: None };
        kernel.file("ostoja.yaml", project);
        kernel
    }

    /// A kernel with this `ostoja.yaml`, whose door is open.
    pub(crate) fn with(project: &str) -> Self {
        let mut kernel = Self::home(project);
        kernel.start();
        kernel
    }

    /// A kernel with this `ostoja.yaml`, in which all modules are at rest.
    pub(crate) fn settled(project: &str) -> Self {
        let kernel = Self::with(project);
        kernel.settle();
        kernel
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let by_lane = text.replace("protocol: lines", "protocol: lines, transport: shm");
        let text = if is_by_lane() && name == "ostoja.yaml" { &by_lane } else { text };
        std::fs::write(&path, text).expect("written");
        path
    }

    fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "kernel::kernel_process", "--nocapture", "--test-threads=1"]);
        command.env(HOME, self.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    pub(crate) fn start(&mut self) {
        self.start_with(|_| {});
    }

    pub(crate) fn start_with(&mut self, change: impl FnOnce(&mut Command)) {
        let mut command = self.command();
        change(&mut command);
        self.process = Some(command.spawn().expect("a kernel process"));
        eventually("the door opens", || host::dial(&Home::at(self.path())).is_ok());
    }

    /// Runs a kernel that is expected to refuse, and gives what it said.
    pub(crate) fn refusal(&self) -> String {
        let output = self.command().stderr(Stdio::piped()).output().expect("it ran");
        assert_eq!(output.status.code(), Some(70), "it must refuse");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("a kernel runs").id()
    }

    pub(crate) fn door(&self) -> Door {
        let stream = host::dial(&Home::at(self.path())).expect("the door is open");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        Door { reader: BufReader::new(stream) }
    }

    /// Asks and gives the whole response.
    pub(crate) fn ask(&self, request: Value) -> Value {
        self.door().ask(request)
    }

    /// Asks for something that must work and gives its data.
    pub(crate) fn data(&self, request: Value) -> Value {
        let response = self.ask(request.clone());
        assert_eq!(response["ok"], json!(true), "{request}: {response}");
        response["data"].clone()
    }

    /// Waits until nothing is on its way any more; gives what is not ready.
    pub(crate) fn settle(&self) -> Vec<String> {
        let data = self.data(json!({ "cmd": "kernel.settle", "timeoutMs": PATIENCE.as_millis() as u64 }));
        let names = data["notReady"].as_array().expect("a list").iter();
        names.map(|name| name.as_str().expect("a name").to_owned()).collect()
    }

    pub(crate) fn status(&self, module: &str) -> Value {
        self.data(json!({ "cmd": "module.status", "moduleId": module }))
    }

    pub(crate) fn state(&self, module: &str) -> String {
        self.status(module)["status"].as_str().expect("a state").to_owned()
    }

    pub(crate) fn wait_for_state(&self, module: &str, state: &str) {
        eventually(&format!("{module} is {state}"), || self.state(module) == state);
    }

    pub(crate) fn module_pid(&self, module: &str) -> Option<u32> {
        self.status(module)["pid"].as_u64().map(|pid| u32::try_from(pid).expect("a pid"))
    }

    /// The lines of a module's log that hold a text.
    pub(crate) fn logged(&self, module: &str, text: &str) -> Vec<Value> {
        let request = json!({ "cmd": "logs", "modules": [module], "grep": text, "lines": 1000 });
        self.data(request)["lines"].as_array().expect("lines").clone()
    }

    pub(crate) fn wait_for_log(&self, module: &str, text: &str) {
        eventually(&format!("{module} says {text:?}"), || !self.logged(module, text).is_empty());
    }

    /// The codes of everything that was decided about a module.
    pub(crate) fn codes(&self, module: &str) -> Vec<String> {
        let story = self.data(json!({ "cmd": "why", "moduleId": module, "limit": 1000 }));
        let records = story["records"].as_array().expect("records").iter();
        records.map(|row| row["code"].as_str().expect("a code").to_owned()).collect()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(self.process.as_ref().expect("a kernel runs"));
        rustix::process::kill_process(pid, signal).expect("signalled");
    }

    /// Waits for the kernel's end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a kernel runs");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = process.try_wait().expect("waited") {
                return status;
            }
            assert!(Instant::now() < deadline, "the kernel did not end");
            std::thread::yield_now();
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _gone = process.kill();
            let _reaped = process.wait();
        }
    }
}

/// A connection to the operator door.
pub(crate) struct Door {
    reader: BufReader<UnixStream>,
}

impl Door {
    pub(crate) fn send(&mut self, line: &str) {
        self.reader.get_mut().write_all(line.as_bytes()).expect("sent");
    }

    /// The next line, as a value; nothing when the kernel hung up.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        let bytes = self.reader.read_line(&mut line).expect("a line in time");
        (bytes > 0).then(|| serde_json::from_str(&line).expect("JSON"))
    }

    pub(crate) fn ask(&mut self, request: Value) -> Value {
        self.send(&format!("{request}\n"));
        self.next().expect("an answer")
    }

    /// Asks, and gives nothing when the kernel hung up instead of answering.
    pub(crate) fn try_ask(&mut self, request: &Value) -> Option<Value> {
        let line = format!("{request}\n");
        self.reader.get_mut().write_all(line.as_bytes()).ok()?;
        let mut line = String::new();
        self.reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        serde_json::from_str(&line).ok()
    }

    /// The next event of a kind.
    pub(crate) fn event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().expect("an event");
            if event["event"] == kind {
                return event["data"].clone();
            }
        }
    }
}

/// Waits until something is true, and fails when it does not become true.
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// Whether a process is there and is not a zombie.
pub(crate) fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

/// A module of the door in a few lines of Python: `frames()` gives each frame, `say(...)` sends one.
pub(crate) fn python(body: &str) -> String {
    if is_by_lane() {
        return format!("{BY_LANE}{body}\n").replace("SDK", SDK_FOLDER);
    }
    format!(
        "import json,sys,os,time\n\
         def say(**f):\n    sys.stdout.write(json.dumps(f)+'\\n'); sys.stdout.flush()\n\
         def frames():\n    for line in sys.stdin:\n        f=json.loads(line)\n        yield f\n        if f['type']=='shutdown': sys.exit(0)\n\
         {body}\n"
    )
}

/// The variable with which the same tests run over lanes: `cargo xtask conformance` sets it to `shm` for those whose modules
/// write no bytes of their own to the pipe.
const TRANSPORT: &str = "OSTOJA_TEST_TRANSPORT";

const SDK_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/python");

/// The same module by its lane, as the SDK for Python takes it.
const BY_LANE: &str = "import json,sys,os,time\nsys.path.insert(0,'SDK')\nimport ostoja as o\n\
    door=o._Door()\nlane=None\n\
    def say(**f):\n    door.send_ready(f,lane) if f['type']=='ready' else door.send(f)\n\
    def frames():\n    global lane\n    for line in door.lines():\n        f=json.loads(line)\n\
    \x20       if f['type']=='init':\n            lane=o._offered_lane(f.get('transport'))\n            assert lane or 'transport' not in f\n\
    \x20       if f['type']=='transport': door.read_lane(); continue\n\
    \x20       yield f\n        if f['type']=='shutdown': sys.exit(0)\n";

pub(crate) fn is_by_lane() -> bool {
    std::env::var_os(TRANSPORT).is_some_and(|transport| transport == "shm")
}
