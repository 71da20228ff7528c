"""`b2b doctor`: what a call needs, what of it this machine has, and the command that installs the rest."""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import click

from b2b import host
from b2b.baresip import config, door, faketime, versions
from b2b.errors import ExitCode

OLDEST_PYTHON = (3, 10)
CAP_NET_RAW = 13  # linux/capability.h
USUAL_PAGE = 4096  # bytes; the only size that calls were tried with
MARKS = {True: "✓", False: "✗", None: "–"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked for: `ok` is None where b2b can do without, `code` what a call without it ends with."""

    name: str
    ok: bool | None
    came: str
    install: str = ""
    code: ExitCode = ExitCode.OK


def check() -> list[Finding]:
    """Look at everything that a call needs and everything that makes it better."""
    obstacle = private_network_obstacle()
    return [
        python(),
        baresip(),
        baresip_modules(),
        program("ffmpeg", "decodes what a source plays", "ffmpeg", code=ExitCode.AUDIO),
        program("aplay", "only needed to listen", "alsa-utils"),
        program("nft", "only needed to impair calls", "nftables"),
        libfaketime(),
        sound_card(),
        private_network(obstacle),
        capture(inside_private=obstacle == ""),
        socket_guard(),
        page_size(),
    ]


def exit_code(findings: list[Finding]) -> ExitCode:
    """Return what a call on this machine would end with for the first thing that is missing."""
    return next((finding.code for finding in findings if finding.ok is False), ExitCode.OK)


def table(findings: list[Finding]) -> str:
    """Return the findings as lines, and below them what to do."""
    widths = [max(len(finding.name) for finding in findings), max(len(finding.came) for finding in findings)]
    lines = [
        f"{MARKS[finding.ok]} {finding.name:{widths[0]}}  {finding.came:{widths[1]}}  {finding.install}".rstrip()
        for finding in findings
    ]
    missing = [finding.name for finding in findings if finding.ok is False]
    last = f"Missing: {', '.join(missing)}." if missing else "Everything that a call needs is here."
    return "\n".join([*lines, "", last])


def apt(package: str) -> str:
    """Return the command that installs a Debian package."""
    return f"sudo apt-get install {package}"


def python() -> Finding:
    """Say which Python runs this."""
    recent = tuple(map(int, platform.python_version_tuple()[:2])) >= OLDEST_PYTHON
    return Finding(name="Python", ok=recent, came=platform.python_version(), code=ExitCode.UNEXPECTED)


def baresip() -> Finding:
    """Look for the SIP user agent and ask its version."""
    if not (where := shutil.which("baresip")):
        return no_baresip("baresip", "not found")
    try:
        return Finding(name="baresip", ok=True, came=f"{versions.installed()}, {where}")
    except OSError as error:
        return no_baresip("baresip", f"{where} cannot be started: {error.strerror}")


def no_baresip(name: str, came: str) -> Finding:
    """Say that there is none, or not all of it."""
    return Finding(name=name, ok=False, came=came, install=apt("baresip-core"), code=ExitCode.SIP)


def baresip_modules() -> Finding:
    """Look for the modules that our configuration names."""
    folder = Path(config.modules_folder())
    wanted = (*config.MODULES, "account.so", *config.APPLICATIONS)
    if missing := [Path(name).stem for name in wanted if not (folder / name).is_file()]:
        return no_baresip("baresip modules", f"no {', '.join(missing)} in {folder}")
    return Finding(name="baresip modules", ok=True, came=", ".join(Path(name).stem for name in wanted))


def program(name: str, use: str, package: str, *, code: ExitCode = ExitCode.OK) -> Finding:
    """Look for a program; one without an exit code is one that b2b can do without."""
    if where := host.program(name):
        return Finding(name=name, ok=True, came=where)
    return Finding(name=name, ok=False if code else None, came=f"not found; {use}", install=apt(package), code=code)


def libfaketime() -> Finding:
    """Look for what makes a call go faster than its sound."""
    if where := faketime.library():
        return Finding(name="libfaketime", ok=True, came=str(where))
    came = "not found; only needed for --speed"
    return Finding(name="libfaketime", ok=None, came=came, install=apt(faketime.PACKAGE))


def sound_card() -> Finding:
    """Look for a card that could play to somebody."""
    try:
        named = re.findall(r"\]: (.+)", Path("/proc/asound/cards").read_text())
    except OSError:
        named = []
    came = ", ".join(named) if named else "none; only needed to listen"
    return Finding(name="sound card", ok=True if named else None, came=came)


def private_network_obstacle() -> str | None:
    """Return why a run cannot have a network of its own: an empty text if it can, None if that is not known."""
    try:
        network = importlib.import_module("b2b.orchestrator.network")
    except ImportError:
        return None
    return network.private_works() or ""


def private_network(obstacle: str | None) -> Finding:
    """Say whether each run can have ports of its own."""
    name = "private network"
    if obstacle is None:
        return Finding(name=name, ok=None, came="not checked")
    if not obstacle:
        return Finding(name=name, ok=True, came="possible")
    remedy = ""
    if text_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        remedy = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    elif text_of("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        remedy = "sudo sysctl kernel.unprivileged_userns_clone=1"
    return Finding(name=name, ok=None, came=f"not possible: {obstacle}; runs share this machine's", install=remedy)


def capture(*, inside_private: bool) -> Finding:
    """Say whether the packets of a call can be recorded."""
    effective = re.search(r"^CapEff:\s*(\w+)", text_of("/proc/self/status"), re.MULTILINE)
    if effective and int(effective[1], 16) >> CAP_NET_RAW & 1:
        return Finding(name="packet capture", ok=True, came="possible in every network")
    if inside_private:
        return Finding(name="packet capture", ok=True, came="possible in a private network")
    return Finding(name="packet capture", ok=None, came="not allowed (CAP_NET_RAW); root is")


def socket_guard() -> Finding:
    """Say whether we can keep baresip from listening where it should not."""
    name, remedy = "seccomp", "choose SIP ports two apart"
    if platform.machine() not in door.ABIS:
        return Finding(name=name, ok=None, came=f"unknown processor {platform.machine()}: {remedy}")
    if "user_notif" not in text_of("/proc/sys/kernel/seccomp/actions_avail").split():
        return Finding(name=name, ok=None, came=f"no user notification: {remedy}")
    return Finding(name=name, ok=True, came="user notification: SIP ports may be neighbours")


def page_size() -> Finding:
    """Say how large a page is, which the pipes that stand in for sound cards depend on."""
    size = os.sysconf("SC_PAGE_SIZE")
    remark = "" if size == USUAL_PAGE else f"; calls were tried with {USUAL_PAGE} only"
    return Finding(name="memory page", ok=size == USUAL_PAGE or None, came=f"{size} bytes{remark}")


def text_of(path: str) -> str:
    """Return what the kernel says in a file; nothing where there is no such file."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


@click.command("doctor", short_help="Tell what is installed, what is missing, and how to install it.")
def command() -> None:
    """Tell what is installed, what is missing, and the command that installs it.

    Ends with 0 if everything that a call needs is there, 65 if baresip is missing, 66 if ffmpeg is.
    """
    findings = check()
    click.echo(table(findings))
    click.get_current_context().exit(int(exit_code(findings)))
