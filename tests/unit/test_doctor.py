"""What `b2b doctor` says about machines that lack something."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from b2b import doctor
from b2b.baresip import config
from b2b.doctor import Finding
from b2b.errors import ExitCode

FAKE_BARESIP = "#!/bin/sh\necho 'baresip v1.2.3 Copyright (C) 2010 - 2020 Alfred E. Heggestad et al.'\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, with all that a call needs in it."""
    install(tmp_path, "baresip", FAKE_BARESIP)
    install(tmp_path, "ffmpeg")
    modules = tmp_path / "modules"
    modules.mkdir()
    for name in (*config.MODULES, "account.so", *config.APPLICATIONS):
        (modules / name).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(config, "modules_folder", lambda: str(modules))
    return tmp_path


def install(folder: Path, name: str, script: str = "#!/bin/sh\n") -> None:
    """Put a program into the folder."""
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


def found(name: str) -> Finding:
    """Return the one finding of that name."""
    [finding] = [finding for finding in doctor.check() if finding.name == name]
    return finding


@pytest.mark.usefixtures("machine")
def test_all_is_well_without_what_is_optional() -> None:
    """Neither a player nor a sound card is needed for a call."""
    result = CliRunner().invoke(doctor.command)
    assert result.exit_code == ExitCode.OK
    assert "Everything that a call needs is here." in result.output
    assert found("aplay").ok is None
    assert found("aplay").install == "sudo apt-get install alsa-utils"


@pytest.mark.parametrize(
    ("name", "package", "code"), [("baresip", "baresip-core", ExitCode.SIP), ("ffmpeg", "ffmpeg", ExitCode.AUDIO)]
)
def test_names_what_is_missing_and_how_to_install_it(machine: Path, name: str, package: str, code: ExitCode) -> None:
    """The exit code is the one that a call would have ended with."""
    (machine / name).unlink()
    result = CliRunner().invoke(doctor.command)
    assert result.exit_code == code
    [line] = [line for line in result.output.splitlines() if line.startswith(f"✗ {name} ")]
    assert line.endswith(f"sudo apt-get install {package}")
    assert f"Missing: {name}." in result.output


def test_on_an_empty_path_baresip_comes_first(machine: Path) -> None:
    """Without a user agent the rest does not matter."""
    for name in ("baresip", "ffmpeg"):
        (machine / name).unlink()
    result = CliRunner().invoke(doctor.command)
    assert result.exit_code == ExitCode.SIP
    assert "Missing: baresip, ffmpeg." in result.output


@pytest.mark.usefixtures("machine")
def test_tells_the_version_of_baresip() -> None:
    """It is the first line of its help that knows."""
    assert found("baresip").came.startswith("1.2.3, ")


def test_a_baresip_of_no_known_kind_is_still_one(machine: Path) -> None:
    """What it says is not ours to judge."""
    install(machine, "baresip", "#!/bin/sh\necho hello\n")
    assert found("baresip") == Finding(name="baresip", ok=True, came=f"unknown version, {machine / 'baresip'}")


def test_a_baresip_that_cannot_be_started_is_none(machine: Path) -> None:
    """As one for another processor."""
    install(machine, "baresip", "#!/nowhere/at/all\n")
    finding = found("baresip")
    assert (finding.ok, finding.code) == (False, ExitCode.SIP)
    assert "cannot be started: No such file or directory" in finding.came


def test_misses_a_module(machine: Path) -> None:
    """A baresip without its control socket cannot be driven."""
    (machine / "modules" / "ctrl_tcp.so").unlink()
    finding = found("baresip modules")
    assert (finding.ok, finding.code) == (False, ExitCode.SIP)
    assert "no ctrl_tcp in" in finding.came


@pytest.mark.parametrize(("obstacle", "ok"), [("", True), (None, None), ("not permitted", None)])
def test_a_private_network_is_no_condition(obstacle: str | None, ok: bool | None) -> None:
    """Where there is none, a run shares the machine's."""
    assert doctor.private_network(obstacle).ok is ok


def test_every_line_of_the_table_has_its_columns_aligned() -> None:
    """However long the names are."""
    findings = [
        Finding(name="a", ok=True, came="here"),
        Finding(name="longer", ok=None, came="not here", install="get it"),
    ]
    assert doctor.table(findings).splitlines()[:2] == ["✓ a       here", "– longer  not here  get it"]
