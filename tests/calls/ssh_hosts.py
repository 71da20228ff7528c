"""Machines to log in to: network, host name, processes and home of their own, a real sshd on each, and a net between.

    with ssh_hosts(tmp_path, "lab1", "lab2") as lab:
        subprocess.run([*lab.inside, *lab.ssh("lab1"), "hostname"])

They share this machine's disk and user. Nothing of the user's own ssh is read or written.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import select
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from b2b import child
from calls.places import PATIENCE_S

NET = "10.77.0"
GATEWAY = 254  # this side's address in that net
PORT = 2222
SBIN = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
ROOT = os.geteuid() == 0

BRIDGE = f"""
ip link set lo up && ip link add name b2b0 type bridge && ip addr add {NET}.{GATEWAY}/24 dev b2b0 &&
ip link set b2b0 up && echo up && read end
"""
# In a chroot there is no mount at the root that could be made private; what is there must be so already.
HOST = """
mount --make-rprivate / 2>/dev/null
! grep -q shared: /proc/self/mountinfo && mount -t proc proc /proc && hostname {name} && echo up && read wired &&
ip link set lo up && ip addr add {address}/24 dev eth0 &&
ip link set eth0 up && ip route add default via {gateway} {as_root}&& exec {as_user} {sshd} -D -e -f {config}
"""
SSHD = """
Port {port}
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
ForceCommand cd {home} && export HOME=$PWD && exec sh -c "$SSH_ORIGINAL_COMMAND"
"""
SSH = """
Host {name}
  HostName {address}
  Port {port}
  User {user}
  IdentityFile {folder}/key
  IdentitiesOnly yes
  BatchMode yes
  ConnectTimeout 5
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""


@dataclass(frozen=True, slots=True)
class Host:
    """One of the machines; `process` is outside of it, and takes all that runs on it along when it ends."""

    name: str
    address: str
    home: Path
    process: subprocess.Popen[bytes]

    def power_off(self) -> None:
        """End it as a cut cable to the mains does."""
        self.process.kill()
        self.process.wait(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Lab:
    """The machines by name; `inside` is put before a command that is to reach them, `config` is for `ssh -F`."""

    hosts: dict[str, Host]
    inside: list[str]
    config: Path

    def ssh(self, name: str) -> list[str]:
        """Return what to put before a command that is to run on a machine."""
        return ["ssh", "-F", str(self.config), name]

    def tx(self, name: str, python: str | Path) -> str:
        """Return pytest-xdist's words for a worker on a machine."""
        return f"ssh={name}//ssh_config={self.config}//python={python}"


@contextlib.contextmanager
def ssh_hosts(folder: Path, *names: str) -> Iterator[Lab]:
    """Let machines of these names live while the block lasts; their homes and keys are in the folder."""
    folder = folder / "ssh"
    folder.mkdir()
    for key in ("host_key", "key"):
        _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(folder / key)])
    config = folder / "config"
    with contextlib.ExitStack() as stack:
        private = ["unshare", "--net"] if ROOT else ["unshare", "--user", "--map-root-user", "--net"]
        net = _start(stack, [*private, "sh", "-c", BRIDGE])
        of_net = ["nsenter", f"--net=/proc/{net.pid}/ns/net"]
        inside = of_net if ROOT else [*of_net, f"--user=/proc/{net.pid}/ns/user", "--preserve-credentials"]
        hosts = {}
        for number, name in enumerate(names, 1):
            hosts[name] = _host(stack, folder, name, number, inside)
            with config.open("a") as text:
                text.write(SSH.format(**_words(folder, name, number)))
            host_key = (folder / "host_key.pub").read_text()
            with (folder / "known_hosts").open("a") as text:
                text.write(f"[{NET}.{number}]:{PORT} {host_key}")
        yield Lab(hosts, inside, config)


def _words(folder: Path, name: str, number: int) -> dict[str, object]:
    return {"folder": folder, "name": name, "address": f"{NET}.{number}", "port": PORT, "user": getpass.getuser(),
            "home": folder / name}  # fmt: skip


def _host(stack: contextlib.ExitStack, folder: Path, name: str, number: int, inside: Sequence[str]) -> Host:
    words = _words(folder, name, number)
    home = folder / name
    home.mkdir()
    config = folder / f"sshd-{name}"
    config.write_text(SSHD.format(**words))
    sshd = _run(["sh", "-c", "command -v sshd"]).strip()
    script = HOST.format(
        **{key: shlex.quote(str(words[key])) for key in ("name", "address")},
        gateway=f"{NET}.{GATEWAY}",
        as_root="&& mount -t tmpfs none /run && mkdir /run/sshd " if ROOT else "",
        as_user="" if ROOT else f"unshare --user --map-user={os.getuid()} --map-group={os.getgid()}",
        sshd=sshd,
        config=shlex.quote(str(config)),
    )
    apart = ["unshare", "--net", "--uts", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--kill-child"]
    process = _start(stack, [*inside, *apart, "sh", "-c", script])
    for command in (
        f"ip link add name host{number} type veth peer name eth0 netns {process.pid}",
        f"ip link set host{number} master b2b0 up",
    ):
        _run([*inside, *command.split()])
    assert process.stdin
    process.stdin.write(b"wired\n")
    process.stdin.flush()
    _wait_for(process, "Server listening")
    return Host(name, f"{NET}.{number}", home, process)


def _start(stack: contextlib.ExitStack, command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start what says `up` when it is ready, and ends with the stack."""
    process = child.start(command, stdin=subprocess.PIPE, env=SBIN)
    stack.callback(_end, process)
    _wait_for(process, "up")
    return process


def _wait_for(process: subprocess.Popen[bytes], word: str) -> None:
    """Read lines, unbuffered as they come, until one begins with a word. What is written after it nobody reads."""
    assert process.stdout
    said = b""
    while not any(line.startswith(word.encode()) for line in said.splitlines()):
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        read = os.read(process.stdout.fileno(), 4096) if readable else b""
        assert read, f"no {word!r} from {process.args}, but {said.decode(errors='replace')!r}"
        said += read


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(PATIENCE_S)
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=SBIN)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout
