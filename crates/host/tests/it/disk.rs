//! A home on a disk that is full: modules run on, the kernel says so, and writes again when there is room.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::kernel::{Kernel, eventually};

/// A small disk of our own over a folder of a home, gone with this value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Needs the right to mount; says loudly when there is none.
    #[expect(clippy::print_stderr, reason = "a test that can't run says so")]
    fn over(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).expect("made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "ostoja-test"])
            .arg(folder)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("SKIPPED host disk: no right to mount a small disk here");
        }
        mounted.then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _done = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn journal_of(kernel: &Kernel) -> String {
    let status = kernel.data(json!({ "cmd": "kernel.status" }));
    status["journal"].as_str().expect("a sentence").to_owned()
}

#[test]
fn a_full_disk_is_a_trouble_and_no_end_and_room_mends_it() {
    let mut kernel = Kernel::home(
        "modules:\n  web: {run: sleep 1000}\nlifecycle: {restartBaseMs: 1, maxRestarts: 100000}\n",
    );
    let state = kernel.path().join("state");
    let Some(disk) = SmallDisk::over(&state) else { return };
    kernel.start();
    kernel.settle();
    let ballast = state.join("ballast");
    // The disk is filled to its last byte: the error is what is wanted.
    let _full = std::fs::write(&ballast, vec![0_u8; 2 << 20]);
    eventually("the journal says that it can't be written", || {
        kernel.data(json!({ "cmd": "module.restart", "moduleId": "web" }));
        journal_of(&kernel) != "well"
    });
    kernel.data(json!({ "cmd": "module.restart", "moduleId": "web" }));
    assert_eq!(kernel.state("web"), "ready");
    std::fs::remove_file(&ballast).expect("there was room for some of it");
    eventually("the journal is well again", || {
        kernel.data(json!({ "cmd": "module.restart", "moduleId": "web" }));
        journal_of(&kernel) == "well"
    });
    kernel.signal(rustix::process::Signal::TERM);
    assert!(kernel.wait().success());
    drop(disk);
}
