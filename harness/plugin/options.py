"""What the user may say of b2b: on pytest's command line, or in its configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

NETWORKS = ("auto", "private", "host")
KEEP = ("failed", "all", "none")
UNKNOWN = ("error", "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options in effect."""

    keep: str
    unknown: str
    network: str
    reports: Path

    @property
    def runs(self) -> Path:
        """Where the run folders are."""
        return self.reports / "runs"


KEY = pytest.StashKey[Options]()


def add(parser: pytest.Parser) -> None:
    """Add the command-line options and the settings of the configuration file that they override."""
    group = parser.getgroup("b2b", "b2b: real calls from plan files")
    group.addoption("--b2b-keep", choices=KEEP, help="Which run folders stay: of tests that failed, all, or none "
                    "(default: failed).")  # fmt: skip
    group.addoption("--b2b-unknown", choices=UNKNOWN, help="What becomes of a test whose call was made twice and could "
                    "not be judged, because this machine was too busy: error, or skip (default: error).")  # fmt: skip
    group.addoption("--b2b-network", choices=NETWORKS, help="private: a network namespace for each call; host: this "
                    "machine's network, each node on a free port; auto: private where it can be (default: auto).")  # fmt: skip
    group.addoption("--b2b-reports", metavar="DIR", help="Where run folders, continuity.json and continuity.md go, "
                    "relative to the root directory (default: reports).")  # fmt: skip
    parser.addini("b2b_keep", "default of --b2b-keep", default="failed")
    parser.addini("b2b_unknown", "default of --b2b-unknown", default="error")
    parser.addini("b2b_network", "default of --b2b-network", default="auto")
    parser.addini("b2b_reports", "default of --b2b-reports", default="reports")


def read(config: pytest.Config) -> Options:
    """Return the options in effect. Raises pytest.UsageError for a setting that is none of the choices."""
    return Options(
        keep=_choice(config, "b2b_keep", KEEP),
        unknown=_choice(config, "b2b_unknown", UNKNOWN),
        network=_choice(config, "b2b_network", NETWORKS),
        reports=config.rootpath / str(config.getoption("b2b_reports") or config.getini("b2b_reports")),
    )


def _choice(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str:
    value = str(config.getoption(name) or config.getini(name))
    if value not in choices:
        raise pytest.UsageError(f"{name}: wanted one of {', '.join(choices)}, came {value!r}")
    return value
