//! Supervisors that are programs of another language's world.

use std::fmt::Write as _;
use std::process::{Child, Command};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use serde_json::json;

use super::super::process;
use super::{Arena, Children, Peer, debian_version, itself, python_bin};
use crate::{ci, shell};

pub(super) fn supervisord() -> Peer {
    Peer {
        name: "supervisord",
        settings: "`numprocs=100`; defaults: `autorestart=unexpected`, `startsecs=1`, one look per second",
        version: || {
            shell::version_of(python_bin("supervisord"), "--version")
                .map(|version| format!("supervisor {version}"))
        },
        prepare: |arena| {
            let folder = arena.folder.display();
            let text = format!(
                "[supervisord]\nnodaemon=true\nlogfile={folder}/log\npidfile={folder}/pid\nchildlogdir={folder}\n\
                 [program:t]\ncommand={} {} %(process_num)d\nnumprocs={}\nprocess_name=%(process_num)d\n",
                arena.tick(),
                arena.roll(),
                arena.count
            );
            arena.write("supervisord.conf", &text).map(drop)
        },
        start: |arena| {
            let mut command = Command::new(python_bin("supervisord"));
            command.arg("-c").arg(arena.folder.join("supervisord.conf"));
            Ok(command)
        },
        supervisor: itself,
        stop: terminate,
        children: Children::Stop,
        pids: None,
    }
}

pub(super) fn circus() -> Peer {
    Peer {
        name: "circus",
        settings: "a watcher per command, sockets in the file system; defaults: `check_delay=5` s, `graceful_timeout=30` s",
        version: || {
            shell::version_of(python_bin("circusd"), "--version").map(|version| format!("circus {version}"))
        },
        prepare: |arena| {
            let folder = arena.folder.display();
            let mut text = format!(
                "[circus]\nendpoint = ipc://{folder}/endpoint\npubsub_endpoint = ipc://{folder}/pubsub\nstatsd = False\n"
            );
            for number in 0..arena.count {
                let _ =
                    write!(text, "[watcher:t{number}]\ncmd = {} {} {number}\n", arena.tick(), arena.roll());
            }
            arena.write("circus.ini", &text).map(drop)
        },
        start: |arena| {
            let mut command = Command::new(python_bin("circusd"));
            command.arg(arena.folder.join("circus.ini"));
            Ok(command)
        },
        supervisor: itself,
        stop: terminate,
        children: Children::Stop,
        pids: None,
    }
}

pub(super) fn pm2() -> Peer {
    Peer {
        name: "pm2",
        settings: "`exec_mode: fork`, `interpreter: none`, `max_restarts: 1000`; defaults otherwise",
        version: pm2_version,
        prepare: |arena| {
            let app = |number: usize| {
                json!({"name": format!("t{number}"), "script": arena.tick(), "interpreter": "none", "exec_mode": "fork",
                    "args": [arena.roll(), number.to_string()], "max_restarts": 1000})
            };
            let apps: Vec<_> = (0..arena.count).map(app).collect();
            arena.write("bench.config.json", &json!({"apps": apps}).to_string()).map(drop)
        },
        start: |arena| {
            let mut command = pm2_command(arena);
            command.arg("start").arg(arena.folder.join("bench.config.json"));
            Ok(command)
        },
        supervisor: |arena, child: &mut Child| {
            ensure!(child.wait()?.success(), "`pm2 start` failed");
            let text =
                std::fs::read_to_string(arena.folder.join("pm2/pm2.pid")).context("pm2 left no pid")?;
            text.trim().parse().context("pm2's pid is no number")
        },
        stop: |arena, _| shell::read(pm2_command(arena).arg("kill")).map(drop),
        children: Children::Stop,
        pids: None,
    }
}

pub(super) fn erlang() -> Peer {
    Peer {
        name: "erlang",
        settings: "a worker with a port per command under one supervisor, intensity raised; children outlive the VM",
        version: || debian_version("erlang-base"),
        prepare: |arena| {
            let source = shell::root().join("xtask/bench/ports.erl");
            shell::read(Command::new("erlc").arg("-o").arg(&arena.folder).arg(source)).map(drop)
        },
        start: |arena| {
            let mut command = Command::new("erl");
            command
                .args(["-noinput", "-noshell", "-pa"])
                .arg(&arena.folder)
                .args(["-s", "ports", "start", "-extra"]);
            command.args([arena.tick(), arena.roll(), arena.count.to_string()]);
            Ok(command)
        },
        supervisor: itself,
        stop: terminate,
        children: Children::Outlive,
        pids: None,
    }
}

/// From its package, since asking the program would start its daemon.
fn pm2_version() -> Option<String> {
    let text = std::fs::read_to_string(ci::npm_bin().join("../pm2/package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    package["version"].as_str().map(|version| format!("pm2 {version}"))
}

fn pm2_command(arena: &Arena) -> Command {
    let mut command = Command::new(ci::npm_bin().join("pm2"));
    command.env("PM2_HOME", arena.folder.join("pm2")).env("PM2_DISCRETE_MODE", "true");
    command
}

fn terminate(_arena: &Arena, pid: u32) -> Result<()> {
    process::signal(pid, Signal::TERM);
    Ok(())
}
