//! MCP in both directions with a real kernel: a server as a module, and the kernel as a server, with a server and a
//! client of our own first, then with public ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::examples::skip;
use crate::kernel::{Running, project};
use crate::runner::{DEADLINE, World, finish};

const SERVER: &str = include_str!("mcp/server.py");
const CLIENT: &str = include_str!("mcp/client.mjs");

/// A project with the test's own server as the module `tools`, and what else is to stand there.
fn bridged(more: &str) -> World {
    let world = World::new();
    fs::write(world.path().join("server.py"), SERVER).expect("it is ours");
    let text = format!("modules:\n  tools: {{ run: [python3, server.py], protocol: mcp{more} }}\n");
    fs::write(world.path().join("ostoja.yaml"), text).expect("it is ours");
    world
}

struct Down<'a>(&'a World);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.run("down --timeout 10s");
    }
}

fn call(world: &World, method: &str, params: &Value) -> Value {
    let ran = world.run_words(&["--json", "call", "mcp.tools", method, &params.to_string()]).expect(0);
    ran.json()["data"]["result"].take()
}

/// Looks until it is so. Each look is a command that waits for the kernel, so that nothing here has to.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "{what} did not happen");
    }
}

fn status(world: &World) -> Value {
    let document = world.run("--json status tools").json();
    document["data"].clone()
}

#[test]
fn a_servers_tools_are_methods_of_its_service() {
    let world = bridged("");
    let down = Down(&world);
    world.run("up -d -f ostoja.yaml").expect(0);
    assert_eq!(status(&world)["provides"], json!(["mcp.tools"]));
    assert_eq!(call(&world, "add", &json!({ "a": 2, "b": 3 })), json!({ "sum": 5 }));
    let listed = call(&world, "tools/list", &Value::Null);
    let add = listed["tools"].as_array().and_then(|all| all.iter().find(|tool| tool["name"] == "add"));
    assert_eq!(add.map(|tool| &tool["inputSchema"]["properties"]["a"]["type"]), Some(&json!("number")));
    let raw = call(&world, "tools/call", &json!({ "name": "add", "arguments": { "a": 1, "b": 1 } }));
    assert_eq!(raw["content"][0]["text"], "2");
    let failed = world.run("call mcp.tools fail").expect(1);
    assert!(failed.stderr.contains("it went wrong"), "{}", failed.stderr);
    let unknown = world.run("call mcp.tools sub").expect(1);
    assert!(unknown.stderr.contains("Unknown method: sub"), "{}", unknown.stderr);
    let said = world.run("logs tools").expect(0).stdout;
    assert!(said.contains("the test server is up") && said.contains("this line is no message"), "{said}");
    drop(down);
}

#[test]
fn a_call_that_is_given_up_is_cancelled_at_the_server() {
    let world = bridged("");
    let _down = Down(&world);
    world.run("up -d -f ostoja.yaml").expect(0);
    let late = world.run("call mcp.tools slow --timeout 300ms");
    assert_ne!(late.code, 0, "{late:?}");
    until("the cancellation", || world.run("logs tools").stdout.contains("slow was cancelled"));
}

#[test]
fn new_tools_are_there_when_the_server_says_so_and_a_fall_is_the_modules() {
    let world = bridged("");
    let _down = Down(&world);
    world.run("up -d -f ostoja.yaml").expect(0);
    call(&world, "grow", &json!({}));
    until("the new tool", || world.run("call mcp.tools grown").code == 0);
    assert_ne!(world.run("call mcp.tools crash").code, 0);
    until("the restart", || {
        let now = status(&world);
        now["restartsTotal"].as_u64() > Some(0) && now["status"] == "ready"
    });
    assert_eq!(call(&world, "add", &json!({ "a": 1, "b": 2 })), json!({ "sum": 3 }));
    let story = world.run("why tools").stdout;
    assert!(story.contains("exit code 7"), "{story}");
}

#[test]
fn a_server_is_held_to_the_modules_permissions() {
    let world = bridged(", permissions: { read: [open.txt] }");
    fs::write(world.path().join("open.txt"), "for all").expect("it is ours");
    let hidden = tempfile::NamedTempFile::new_in(std::env::temp_dir()).expect("a temporary file");
    fs::write(hidden.path(), "for nobody").expect("it is ours");
    let _down = Down(&world);
    world.run("up -d -f ostoja.yaml").expect(0);
    let open = world.path().join("open.txt");
    assert_eq!(call(&world, "read", &json!({ "path": open })), json!("for all"));
    let words = json!({ "path": hidden.path() }).to_string();
    let refused = world.run_words(&["call", "mcp.tools", "read", &words]).expect(1);
    assert!(refused.stderr.contains("Error"), "{}", refused.stderr);
}

#[test]
fn a_server_that_can_not_begin_says_why() {
    let world = World::new();
    let text =
        "modules:\n  tools: { run: [sh, -c, 'echo no key >&2; exit 4'], protocol: mcp, restart: never }\n";
    fs::write(world.path().join("ostoja.yaml"), text).expect("it is ours");
    let _down = Down(&world);
    let ran = world.run("up -d -f ostoja.yaml").expect(3);
    assert!(ran.stderr.contains("no key"), "{}", ran.stderr);
}

/// The lines of a client, answered in their order.
fn converse(world: &World, role: &str, lines: &[Value]) -> Vec<Value> {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut child = world
        .command(["mcp", "serve", "--role", role])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it reads");
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
    let expected = lines.iter().filter(|line| line.get("id").is_some()).count();
    let mut answers = Vec::new();
    for _ in 0..expected {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).expect("an answer");
        answers.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`")));
    }
    drop(stdin);
    assert_eq!(finish(child).code, 0);
    answers
}

fn hello() -> Value {
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "plain", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

fn tool(id: u64, name: &str, arguments: &Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments },
    })
}

#[test]
fn an_agent_sees_and_with_a_role_and_a_yes_acts_and_the_journal_knows_it() {
    let (kernel, _) = Running::start(&project(""), 0);
    let seen = converse(&kernel.world, "viewer", &[hello(), tool(2, "ps", &json!({}))]);
    assert_eq!(seen[1]["result"]["structuredContent"]["modules"].as_array().map(Vec::len), Some(2));
    let refused =
        converse(&kernel.world, "viewer", &[hello(), tool(2, "stop", &json!({ "module": "ticker" }))]);
    assert_eq!(refused[1]["result"]["isError"], true);
    let talk = [
        hello(),
        tool(2, "call", &json!({ "service": "greeter", "method": "hello", "params": { "name": "Ola" } })),
    ];
    let called = converse(&kernel.world, "developer", &talk);
    assert_eq!(called[1]["result"]["structuredContent"]["result"], "Hello, Ola!");
    let planned =
        converse(&kernel.world, "operator", &[hello(), tool(2, "stop", &json!({ "module": "ticker" }))]);
    assert!(planned[1]["result"]["structuredContent"]["confirm"].is_string(), "{planned:?}");
    assert_eq!(kernel.data("status ticker")["status"], "ready");
    let audit = kernel.run("audit --json").expect(0).stdout;
    assert!(audit.contains("mcp: plain"), "{audit}");
}

#[test]
fn a_kernel_that_is_gone_is_told_to_the_agent_and_does_not_end_the_server() {
    let world = World::new();
    let answers = converse(&world, "viewer", &[hello(), tool(2, "ps", &json!({}))]);
    let text = answers[1]["result"]["content"][0]["text"].as_str().expect("a text");
    assert!(text.contains("cli::kernel::unreachable"), "{text}");
}

/// The folder of what npm installed, as CI has it; what is said where it is not there.
fn from_npm(program: &str) -> Option<(PathBuf, PathBuf)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    let Some(found) = found else {
        skip(&format!("no `{program}`: npm install @modelcontextprotocol/server-everything"));
        return None;
    };
    let modules = found.parent().and_then(Path::parent).map(Path::to_owned)?;
    Some((found, modules))
}

#[test]
fn a_public_server_is_a_module() {
    let Some((server, _)) = from_npm("mcp-server-everything") else { return };
    let world = World::new();
    let list = json!({ "mcpServers": { "tools": { "command": server } } });
    fs::write(world.path().join("mcp.json"), list.to_string()).expect("it is ours");
    world.run("import mcp.json --write").expect(0);
    let _down = Down(&world);
    world.run("up -d -f ostoja.yaml").expect(0);
    assert_eq!(call(&world, "echo", &json!({ "message": "hej" })), json!("Echo: hej"));
}

#[test]
fn a_public_client_of_each_era_uses_the_kernel() {
    let Some((_, modules)) = from_npm("mcp-server-everything") else { return };
    for era in ["legacy", "auto"] {
        let (kernel, _) = Running::start(&project(""), 0);
        let world = &kernel.world;
        let script = world.path().join("client.mjs");
        fs::write(&script, CLIENT).expect("it is ours");
        let mut command = Command::new("node");
        command.arg(&script).arg(&modules).arg(era).arg(env!("CARGO_BIN_EXE_ostoja"));
        command.arg("--home").arg(world.home()).args(["mcp", "serve", "--role", "operator"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ran = finish(command.spawn().expect("node runs")).expect(0);
        let told = ran.json();
        assert_eq!(told["server"]["name"], "ostoja", "{era}: {told}");
        assert!(told["tools"].as_array().is_some_and(|tools| tools.contains(&json!("why"))), "{era}: {told}");
        assert_eq!(told["stopped"]["status"]["status"], "stopped", "{era}: {told}");
        assert_eq!(told["wrong"], true, "{era}: {told}");
        assert_eq!(told["asked"].as_array().map(Vec::len), Some(1), "{era}: {told}");
    }
}

#[test]
fn a_public_client_of_each_era_uses_the_kernel_over_http_with_a_token() {
    let Some((_, modules)) = from_npm("mcp-server-everything") else { return };
    for era in ["legacy", "auto"] {
        let (kernel, _) = Running::start(&project(""), 0);
        kernel.run("config set ostoja-web.listen 127.0.0.1:0").expect(0);
        let link = kernel.data("dashboard");
        let origin = link["url"].as_str().and_then(|url| url.split("/#").next()).expect("a link");
        let token = kernel.data("token create robot --role operator");
        let script = kernel.world.path().join("client.mjs");
        fs::write(&script, CLIENT).expect("it is ours");
        let mut command = Command::new("node");
        command.arg(&script).arg(&modules).arg(era).arg(format!("{origin}/mcp"));
        command.arg(token["token"].as_str().expect("a token"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let told = finish(command.spawn().expect("node runs")).expect(0).json();
        assert_eq!(told["server"]["name"], "ostoja", "{era}: {told}");
        assert_eq!(told["stopped"]["status"]["status"], "stopped", "{era}: {told}");
        assert_eq!(told["wrong"], true, "{era}: {told}");
        assert_eq!(told["asked"].as_array().map(Vec::len), Some(1), "{era}: {told}");
        let page = kernel.run("audit --code operator.asked --json").expect(0).stdout;
        assert!(page.contains("robot, mcp: public"), "{page}");
    }
}
