"""Other machines: each a network, a name and processes of its own, reached from ours by a real ssh."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MISSING = next((f"{name} is not installed" for name in ("sshd", "ssh", "ip") if not shutil.which(name)), "") or (
    "" if os.geteuid() == 0 else "networks that reach each other take root"
)
# What becomes of the first process of a machine: it gets its end of the wire, and is its sshd.
MACHINE = """
mount -t tmpfs tmpfs /run && mkdir /run/sshd && hostname "$1" && echo made && read -r _ &&
ip link set lo up && ip address add "$2/24" dev eth0 && ip link set eth0 up && exec "$3" -D -e -f "$4"
"""
SSHD = """\
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
PidFile none
UsePAM no
PasswordAuthentication no
"""
SSH = """\
Host {name}
  HostName {address}
  User root
  IdentityFile {folder}/user
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""


@dataclass(frozen=True, slots=True)
class SshHosts:
    """Machines by name, and the network from which they can be reached; `config` is what ssh has to be given."""

    here: int
    config: Path
    addresses: dict[str, str]
    machines: dict[str, subprocess.Popen[str]]

    def command(self, *words: object) -> list[str]:
        """Return what runs a command where the machines can be reached."""
        return ["nsenter", "--target", str(self.here), "--net", *map(str, words)]

    def unplug(self, name: str) -> None:
        """Cut the wire to a machine."""
        subprocess.run(self.command("ip", "link", "set", name, "down"), check=True)


@contextmanager
def ssh_hosts(names: Sequence[str], folder: Path) -> Iterator[SshHosts]:
    """Make machines that are gone, with all that runs on them, when this is left. Takes root; see MISSING."""
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    addresses = {name: f"10.77.{number}.2" for number, name in enumerate(names, start=1)}
    config = folder / "ssh_config"
    config.write_text("".join(SSH.format(name=n, address=a, folder=folder) for n, a in addresses.items()))
    machines: dict[str, subprocess.Popen[str]] = {}
    with _started(["unshare", "--net", "sh", "-c", "ip link set lo up && echo made && exec cat"]) as here:
        hosts = SshHosts(here.pid, config, addresses, machines)
        try:
            for name, address in addresses.items():
                machines[name] = _machine(name, address, folder)
                _wire(hosts, name)
            yield hosts
        finally:
            for machine in machines.values():
                machine.kill()
                machine.communicate()


def _machine(name: str, address: str, folder: Path) -> subprocess.Popen[str]:
    sshd = folder / f"sshd_config.{name}"
    sshd.write_text(SSHD.format(address=address, folder=folder))
    alone = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return _started([*alone, "sh", "-c", MACHINE, "sh", name, address, str(shutil.which("sshd")), str(sshd)])


def _started(argv: Sequence[str]) -> subprocess.Popen[str]:
    """Start what says a line when it is there, and return it then."""
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    assert process.stdout
    assert process.stdout.readline() == "made\n"
    return process


def _wire(hosts: SshHosts, name: str) -> None:
    """Lay the wire to a machine, and wait until its sshd listens."""
    machine = hosts.machines[name]
    ours = hosts.addresses[name].rpartition(".")[0] + ".1/24"
    for words in (
        ("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", machine.pid),
        ("ip", "address", "add", ours, "dev", name),
        ("ip", "link", "set", name, "up"),
    ):
        subprocess.run(hosts.command(*words), check=True)
    assert machine.stdin
    assert machine.stdout
    machine.stdin.write("\n")
    assert any("Server listening" in line for line in machine.stdout), f"{name} has no sshd"
