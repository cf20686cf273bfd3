//! The program that the tests launch: it tries one act, named by its first argument, and ends with the errno it met, 0 for success.
//!
//! Acts that launch others themselves, and so need a process without the test runner's threads and children, are in `scenes`.
#![expect(clippy::print_stdout, reason = "what it prints is what the tests read")]

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

mod call;
mod scenes;

/// What ends a program that was called wrongly: no errno has this number.
const MISUSE: u8 = 254;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["exit", code] => return ExitCode::from(code.parse::<u8>().unwrap_or(MISUSE)),
        ["hang"] => hang(),
        ["hang-in-own-session"] => rustix::process::setsid().map_err(io::Error::from).and_then(|_| hang()),
        ["fork-away"] => fork_away(),
        ["print", text] => print(text),
        ["fds"] => list("/proc/self/fd"),
        ["environ"] => File::open("/proc/self/environ")
            .and_then(|mut file| io::copy(&mut file, &mut io::stdout()))
            .map(drop),
        ["cwd"] => std::env::current_dir().and_then(|dir| print(&dir.to_string_lossy())),
        ["echo"] => io::copy(&mut io::stdin(), &mut io::stdout()).map(drop),
        ["read", path] => std::fs::read(path).map(drop),
        ["list", path] => std::fs::read_dir(path).map(drop),
        ["write", path] => OpenOptions::new().write(true).create(true).truncate(true).open(path).map(drop),
        ["remove", path] => std::fs::remove_file(path),
        ["run", path] => Command::new(path).status().map(drop),
        ["become", path] => Err(Command::new(path).exec()),
        ["connect", port] => TcpStream::connect(("127.0.0.1", number(port))).map(drop),
        ["bind", port] => TcpListener::bind(("127.0.0.1", number(port))).map(drop),
        ["udp"] => UdpSocket::bind("127.0.0.1:0").map(drop),
        ["pair"] => UnixStream::pair().map(drop),
        ["abstract", name] => {
            SocketAddr::from_abstract_name(name).and_then(|at| UnixStream::connect_addr(&at)).map(drop)
        }
        ["memory", mib] => allocate(number(mib).into()),
        ["threads", count] => threads(number(count)),
        ["signal", pid] => call::ask(pid.parse().unwrap_or(-1)),
        ["terminal"] => call::terminal_input(),
        ["calls", numbers @ ..] => call::all(numbers),
        ["call", number, arguments @ ..] => call::one(number, arguments),
        ["scene", scene @ ..] => return scenes::play(scene),
        _ => return ExitCode::from(MISUSE),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let errno = error.raw_os_error().and_then(|errno| u8::try_from(errno).ok());
            ExitCode::from(errno.unwrap_or(MISUSE))
        }
    }
}

fn number(text: &str) -> u16 {
    text.parse().unwrap_or(0)
}

fn print(text: &str) -> io::Result<()> {
    println!("{text}");
    Ok(())
}

/// Says its number, then does nothing until a signal ends it.
fn hang() -> io::Result<()> {
    println!("{}", std::process::id());
    loop {
        std::thread::park();
    }
}

/// Leaves a grandchild in a session of its own, and ends when that has said its number.
fn fork_away() -> io::Result<()> {
    let own = std::env::current_exe()?;
    let mut child =
        Command::new(own).arg("hang-in-own-session").stdout(std::process::Stdio::piped()).spawn()?;
    let mut line = String::new();
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    io::BufRead::read_line(&mut io::BufReader::new(output), &mut line)?;
    print(line.trim())
}

fn list(folder: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        println!("{} {}", entry.file_name().to_string_lossy(), target.display());
    }
    Ok(())
}

/// Takes memory and writes to it, as far as it goes.
fn allocate(mib: usize) -> io::Result<()> {
    let mut bytes: Vec<u8> = Vec::new();
    bytes.try_reserve_exact(mib << 20).map_err(|_| io::Error::from_raw_os_error(libc::ENOMEM))?;
    bytes.resize(mib << 20, 1);
    std::hint::black_box(&bytes);
    Ok(())
}

fn threads(count: u16) -> io::Result<()> {
    let made: io::Result<Vec<_>> = (0..count).map(|_| std::thread::Builder::new().spawn(|| ())).collect();
    for thread in made? {
        thread.join().map_err(|_| io::ErrorKind::Other)?;
    }
    Ok(())
}
