//! Which program's file it is: by its name where that says it, else by what is in it.

use protocol::files::Area;
use protocol::files::node::{self, Kind, Node};

/// A format that can be read from one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// foreman, honcho, overmind, Heroku.
    Procfile,
    /// Docker Compose.
    Compose,
    /// pm2's `ecosystem.config.json`, or what node makes of its JavaScript form.
    Pm2,
    /// supervisord's configuration.
    Supervisord,
    /// process-compose.
    ProcessCompose,
    /// One service unit of systemd.
    Systemd,
    /// The server list of an MCP client.
    Mcp,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Procfile,
        Self::Compose,
        Self::Pm2,
        Self::Supervisord,
        Self::ProcessCompose,
        Self::Systemd,
        Self::Mcp,
    ];

    /// Its word on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Procfile => "procfile",
            Self::Compose => "compose",
            Self::Pm2 => "pm2",
            Self::Supervisord => "supervisord",
            Self::ProcessCompose => "process-compose",
            Self::Systemd => "systemd",
            Self::Mcp => "mcp",
        }
    }
}

/// The format of a file, by its name (without folders) or its text.
pub fn detect(name: &str, text: &str) -> Option<Format> {
    by_name(&name.to_lowercase()).or_else(|| by_text(text))
}

fn by_name(name: &str) -> Option<Format> {
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    if name == "procfile" || name.starts_with("procfile.") {
        Some(Format::Procfile)
    } else if is_yaml && name.starts_with("process-compose") {
        Some(Format::ProcessCompose)
    } else if is_yaml && (name.starts_with("compose") || name.starts_with("docker-compose")) {
        Some(Format::Compose)
    } else if name.starts_with("ecosystem.") || name.starts_with("pm2.") || name.ends_with(".config.json") {
        Some(Format::Pm2)
    } else if name.starts_with("supervisord.") {
        Some(Format::Supervisord)
    } else if name.ends_with(".service") {
        Some(Format::Systemd)
    } else if name == "mcp.json" || name.ends_with("mcp_config.json") || name == "claude_desktop_config.json"
    {
        Some(Format::Mcp)
    } else {
        None
    }
}

/// What only one of the formats holds.
fn by_text(text: &str) -> Option<Format> {
    let mut lines = text.lines().map(str::trim);
    if lines.clone().any(|line| line.starts_with("[program:")) {
        return Some(Format::Supervisord);
    }
    if lines.any(|line| line == "[Service]") {
        return Some(Format::Systemd);
    }
    if text.trim_start().starts_with('{') || text.trim_start().starts_with('[') {
        let root = node::from_json(Area::Import, "", text).ok()?;
        let servers = ["mcpServers", "servers", "context_servers"];
        return match servers.iter().any(|key| is_map(root.entry(key))) {
            true => Some(Format::Mcp),
            false => Some(Format::Pm2),
        };
    }
    if let Ok(root) = node::from_yaml(Area::Import, "", text) {
        if is_map(root.entry("processes")) {
            return Some(Format::ProcessCompose);
        }
        if is_map(root.entry("services")) {
            return Some(Format::Compose);
        }
        if root.entry("apps").is_some_and(|apps| matches!(apps.kind, Kind::List(_))) {
            return Some(Format::Pm2);
        }
    }
    let told: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
    let is_entry = |line: &&str| line.split_once(':').is_some_and(|(name, _)| crate::procfile::is_name(name));
    (!told.is_empty() && told.iter().all(is_entry)).then_some(Format::Procfile)
}

fn is_map(node: Option<&Node>) -> bool {
    node.is_some_and(|node| !node.entries().is_empty())
}
