"""`ostoja doctor` states each layer as it is on this machine: what stands, what is weaker than its name, what is missing and why."""

import json
import os
import subprocess
import sys
import tempfile

from guest import ANSWER_SECONDS, FORM, fail, must

# What is missing or weak, and a word that the reason has to hold; all other layers have to stand.
LACKS = {
    "landlock_files": "files can be cut short",
    "landlock_net": "Landlock ABI is 2",
    "landlock_scopes": "Landlock ABI is 2",
}
if FORM == "no-landlock":
    # Which programs may run is Landlock's to hold too.
    LACKS = dict.fromkeys([*LACKS, "run_list"], "")
NAMESPACES = [f"{name}_namespace" for name in ["user", "mount", "pid", "ipc", "uts", "net"]]
if FORM == "initial-root":
    LACKS |= {"mount_namespace": "no new root"}


def layers(become):
    env = dict(os.environ, HOME=tempfile.gettempdir())
    done = subprocess.run(
        ["ostoja", "doctor", "--json"], env=env, capture_output=True, text=True, timeout=2 * ANSWER_SECONDS, preexec_fn=become
    )
    must(done.returncode in (0, 3), f"doctor ended with {done.returncode}: {done.stdout} {done.stderr}")
    found = json.loads(done.stdout)["data"]["findings"]
    return {finding["what"]: finding for finding in found if finding["area"] == "containment"}


def compare(who, found, lacks):
    wrong = []
    level = found.pop("level")
    print(f"{who}: {'level':18} {level['grade']:6} {level['text']}")
    told = level["text"].removeprefix("partial (missing: ").removesuffix(")").split(", ")
    if sorted(told) != sorted(lacks):
        wrong.append(f"the level is told as {level['text']}")
    for name, finding in found.items():
        print(f"{who}: {name:18} {finding['grade']:6} {finding['text']}")
        is_good = finding["grade"] == "good"
        if is_good == (name in lacks) or lacks.get(name, "") not in finding["text"]:
            wrong.append(f"{name} is {finding['grade']} ({finding['text']})")
    must(len(found) >= 16, f"only {len(found)} layers are told")
    return wrong


def user():
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)


wrong = compare("root", layers(None), LACKS)
# A user owns no group of processes here, and has no rights over the machine to lose.
wrong += compare("user", layers(user), LACKS | {"cgroup_kill": ""})
if FORM == "plain":
    # The same where users may make no namespaces: then a user has none at all, and is told.
    with open("/proc/sys/user/max_user_namespaces") as file:
        before = file.read()
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
    lacks = LACKS | {"cgroup_kill": ""} | dict.fromkeys([*NAMESPACES, "net_broker"], "")
    wrong += compare("no user namespaces", layers(user), lacks)
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write(before)
if wrong:
    fail("; ".join(wrong))
