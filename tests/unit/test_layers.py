"""Who may know whom: imports point down only, and processes and time have one door each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "b2b").rglob("*.py"))
EACH_FILE = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])

UPPER = ("b2b.plan", "b2b.orchestrator", "b2b.cli", "b2b.doctor", "b2b.__main__")
FORBIDDEN = {
    "b2b": ("harness",),
    "b2b.audio": ("b2b.baresip", "b2b.roles", *UPPER),
    "b2b.baresip": ("b2b.roles", *UPPER),
    "b2b.roles": UPPER,
    "b2b.plan": ("b2b.roles", "b2b.baresip", "b2b.orchestrator", "b2b.cli", "b2b.doctor"),
    "b2b.orchestrator": ("b2b.cli", "b2b.doctor"),
}
# The modules beside the packages.
FOUNDATIONS = ("errors", "clock", "child", "logs", "flags", "addresses", "hold", "host")
PACKAGES = ("b2b.audio", "b2b.baresip", "b2b.roles", *UPPER)
HEAVY = ("numpy", "scipy", "pydub", "pytest", "dpkt", "allure")

# What starts or ends a process, and whose door that is.
PROCESS_CALLS = {
    *(f"subprocess.{name}" for name in ("Popen", "run", "call", "check_call", "check_output", "getoutput")),
    *(f"os.{name}" for name in ("kill", "killpg", "system", "popen", "posix_spawn", "posix_spawnp")),
}


def module_name(path: Path) -> str:
    """Return a file's name as a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Yield every module and every name that a file imports, wherever in it, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}: a relative import"
            assert not node.level, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node: ast.expr) -> str:
    """Return `a.b` for an attribute of a name; "" for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def below(name: str, package: str) -> bool:
    """Whether a dotted name is that package or in it."""
    return name == package or name.startswith(package + ".")


def violations(path: Path, forbidden: tuple[str, ...]) -> list[str]:
    """Return what a file imports and must not."""
    return [name for name in imported(path) if any(below(name, package) for package in forbidden)]


@EACH_FILE
def test_imports_point_down(path: Path) -> None:
    """Below are sound and baresip, then the roles; plans, the orchestrator and the command line are above."""
    module = module_name(path)
    forbidden = [package for home, packages in FORBIDDEN.items() if below(module, home) for package in packages]
    assert violations(path, tuple(forbidden)) == []


@pytest.mark.parametrize("name", FOUNDATIONS)
def test_the_modules_that_everybody_uses_know_nobody_above_them(name: str) -> None:
    """Or importing the clock would import a role."""
    assert violations(ROOT / "b2b" / f"{name}.py", PACKAGES) == []


@EACH_FILE
def test_nothing_heavy_is_imported(path: Path) -> None:
    """A role is ready half a second after its start; what judges a call is in the harness."""
    assert violations(path, HEAVY) == []


@EACH_FILE
def test_processes_are_started_and_ended_in_one_file(path: Path) -> None:
    """child.py: there the kernel is told to kill them when we die."""
    tree = ast.parse(path.read_text())
    calls = {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)} & PROCESS_CALLS
    names = {name for name in imported(path) if name in PROCESS_CALLS}
    doors = {"subprocess.Popen", "os.killpg", "os.kill"}
    assert calls | names == (doors if module_name(path) == "b2b.child" else set())


@EACH_FILE
def test_time_comes_through_one_door(path: Path) -> None:
    """clock.py: so tests of grace periods take no time, and a whole call can run on another clock."""
    attributes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
    asked = [ast.unparse(node) for node in attributes if node.attr in ("now", "utcnow", "today")]
    if module_name(path) != "b2b.clock":
        assert [name for name in asked if name != "clock.now"] == []
        assert [name for name in imported(path) if below(name, "time")] == []


def test_the_rules_are_about_files_that_exist() -> None:
    """A rule for a package that was renamed would never be broken."""
    modules = {module_name(path) for path in FILES}
    named = {*FORBIDDEN, *PACKAGES, *(f"b2b.{name}" for name in FOUNDATIONS)} - {"harness"}
    assert named <= modules
    assert len(FILES) > 30


@pytest.mark.parametrize(
    ("source", "forbidden", "found"),
    [
        ("import harness", ("harness",), ["harness"]),
        ("import harness.judge as j", ("harness",), ["harness.judge"]),
        ("from harness import judge", ("harness",), ["harness.judge"]),
        ("def f():\n    from b2b import cli", ("b2b.cli",), ["b2b.cli"]),
        ("import harnessed", ("harness",), []),
        ("from b2b import client", ("b2b.cli",), []),
    ],
)
def test_a_violation_is_found(tmp_path: Path, source: str, forbidden: tuple[str, ...], found: list[str]) -> None:
    """In whichever way and place it is written."""
    path = tmp_path / "x.py"
    path.write_text(source)
    assert violations(path, forbidden) == found
