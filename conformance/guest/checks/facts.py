"""The guest is what the other checks take it for: Linux 6.1, and what this form of it has and lacks."""

import ctypes
import platform

from guest import FORM, must, read

release = platform.release()
must(release.startswith("6.1."), f"Linux {release}")

# landlock_create_ruleset, asked for its version
libc = ctypes.CDLL(None, use_errno=True)
landlock = libc.syscall(444, None, ctypes.c_size_t(0), 1)
controllers = read("/sys/fs/cgroup/cgroup.controllers").split()
print("linux", release, "landlock", landlock, "controllers", *controllers)

must(landlock == (-1 if FORM == "no-landlock" else 2), f"Landlock ABI {landlock}")
for name in ["cpu", "memory", "pids"]:
    wanted = not (FORM == "no-memory" and name == "memory")
    must((name in controllers) == wanted, f"cgroup controllers {controllers}")
with open("/proc/self/mountinfo") as mounts:
    root = [line for line in mounts if line.split()[4] == "/"]
print(*root)
