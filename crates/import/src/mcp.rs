//! The server list of an MCP client: `mcpServers` of Claude Desktop, Cursor and others, `servers` of VS Code,
//! `context_servers` of Zed.

use protocol::files::node::{self, Kind, Node};
use protocol::files::policy::Protocol;
use protocol::files::{Area, Fault, FileErrors};

use crate::draft::{Draft, Module, tell_environment};
use crate::fields::{Complaints, Fields, shown};
use crate::words;

const LISTS: [&str; 3] = ["mcpServers", "servers", "context_servers"];

pub(crate) fn read(file: &str, text: &str) -> Result<Draft, FileErrors> {
    let root = node::from_json(Area::Import, file, text)?;
    let mut complaints = Complaints::default();
    let mut draft = Draft::new(file);
    tell_environment(&mut draft);
    draft.remarks.add(
        "Each tool of a server is a method of the service `mcp.<module>`: `ostoja call mcp.NAME tools/list` shows them. \
         Without `permissions` a server may touch what you may; with `permissions: {}` and what it needs, no more.",
    );
    let list = LISTS.iter().find_map(|key| root.entry(key));
    match list {
        Some(servers) if complaints.is_map("mcpServers", servers) => {
            for (key, node) in servers.entries() {
                if complaints.is_map(&key.text, node) {
                    server(&mut complaints, &key.text, node, &mut draft);
                }
            }
        }
        Some(_) => {}
        None => complaints.note(&root, Fault::MissingField { field: "mcpServers" }),
    }
    if root.entry("inputs").is_some() {
        draft.remarks.lost("inputs", "nobody is asked for values at a start");
    }
    FileErrors::check(complaints.errors, Some(draft))
}

fn server(complaints: &mut Complaints, name: &str, node: &Node, draft: &mut Draft) {
    let mut fields = Fields::new(node);
    if let Some(url) = fields.take("url").or(fields.take("serverUrl")).or(fields.take("httpUrl")) {
        let host = url
            .literal()
            .and_then(|url| url.split("//").nth(1))
            .and_then(|rest| rest.split(['/', '?', '@']).next());
        let host = host.unwrap_or("another machine");
        draft.leave_out(name, format!("it is a server at `{host}`, and no program of this machine"));
        return;
    }
    let Some(command) = fields.take("command") else {
        complaints.note(node, Fault::MissingField { field: "command" });
        return;
    };
    // Zed writes the program and its arguments into one map.
    let (program, inner) = match &command.kind {
        Kind::Map(_) => (command.entry("path"), Some(command)),
        _ => (Some(command), None),
    };
    let Some(program) = program.and_then(|program| complaints.text("command", program)) else { return };
    let mut all = vec![program];
    let arguments = fields.take("args").or_else(|| inner.and_then(|inner| inner.entry("args")));
    if let Some(node) = arguments {
        all.extend(complaints.texts("args", node));
    }
    let mut module = Module::new(name, words::program(all));
    module.policy.protocol = Some(Protocol::Mcp);
    let env = fields.take("env").or_else(|| inner.and_then(|inner| inner.entry("env")));
    for (key, value) in env.map(Node::entries).unwrap_or_default() {
        match value.literal() {
            Some(text) if text.contains("${") => {
                let why = "the client fills it in; write the value here, or `env_pass: [NAME]`";
                module.remarks.lost(format_args!("env: {}", key.text), why);
            }
            Some(text) => module.set_env(&key.text, text),
            None => complaints.wrong_kind(&key.text, value, "a text"),
        }
    }
    module.cwd =
        fields.take("cwd").and_then(Node::literal).filter(|cwd| !cwd.contains("${")).map(str::to_owned);
    module.autostart = fields.take("disabled").and_then(Node::literal) != Some("true");
    for key in ["type", "transportType"] {
        fields.take(key);
    }
    for (key, node) in fields.rest() {
        let why = match key {
            "alwaysAllow" | "autoApprove" | "disabledTools" => {
                "who may call what stands under `permissions` of the caller"
            }
            "timeout" => "a call has the deadline of its caller",
            "envFile" => "put its values under `env`",
            _ => "it has no counterpart",
        };
        module.remarks.lost(shown(key, node), why);
    }
    draft.push(module);
}
