"""`b2b --role orchestrator`: from the flags to the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from b2b import clock, host
from b2b.baresip import faketime
from b2b.errors import B2bError, ExitCode, UsageError, describe
from b2b.flags import FLAGS, ORCHESTRATOR, SOURCE
from b2b.logs import printable
from b2b.orchestrator import elsewhere, hooks, network, picture, signals
from b2b.orchestrator.children import relative, role_command
from b2b.orchestrator.console import Console
from b2b.orchestrator.folder import RunFolder, default_folder
from b2b.orchestrator.report import closing_lines, summary
from b2b.orchestrator.run import Run, Wishes, extra_flags
from b2b.orchestrator.supervise import Failure, Supervisor, Timing
from b2b.orchestrator.view import View
from b2b.plan.change import TOPOLOGY
from b2b.plan.installed import missing
from b2b.plan.load import RUN, RUN_KEYS, load_plan
from b2b.plan.model import Plan
from b2b.plan.resolve import call_duration_s, is_self_contained, on_free_ports, on_ports, resolve, speed_of, ssh_of

PRIVATE, HOST = "private", "host"
HIDDEN = {flag.option for flag in FLAGS if flag.hidden}  # between us and our roles


def main(flags: Mapping[str, Any]) -> int:
    """Run the plan and return the exit code: the first failing role's, or the call's."""
    began_s, as_json = clock.wall(), flags["log_format"] == "json"
    changes = [*flags["set"], *(((RUN, key), flags[key]) for key in RUN_KEYS if flags[key])]
    loaded = load_plan(flags["plan"], known_tables=hooks.table_names(), changes=changes)
    speed = speed_of(loaded)
    check_speed(loaded, speed, listen=flags["listen"])
    kind, why = choose_network(flags["network"], loaded)
    plan = resolve(loaded, host_ip="127.0.0.1" if kind == PRIVATE else host.host_ip())
    if flags["free_ports"] and kind == HOST and is_self_contained(loaded):
        plan = on_ports(plan, host.free_port) if plan.devices else on_free_ports(plan)
    wishes = Wishes(
        duration_s=flags["duration_s"],
        listen=flags["listen"],
        kill_s=flags["kill_ms"] / 1000,
        expected_s=call_duration_s(plan),
        ears=frozenset(node.name for node in plan.with_role(SOURCE) if node.calls and plan.node(node.calls).is_device),
    )
    folder = RunFolder(flags["run_dir"] or default_folder(plan))
    if flags["dry_run"]:
        show(plan, folder, wishes, why if speed == 1 else f"{why}; speed {speed:g}")
        return int(ExitCode.OK)
    for device, why in missing(plan):
        raise plan.where.error(TOPOLOGY, device.name, "command", says=f"wanted what is installed: {why}")
    if kind == PRIVATE:
        network.enter_private()
    if speed != 1:
        clock.set_speed(speed)
    timing = Timing(flags["ready_ms"] / 1000, flags["grace_ms"] / 1000, flags["kill_ms"] / 1000)
    os.umask(0o077)  # what a run leaves is its user's alone
    with View(wanted=flags["watch"] and not as_json, color=flags["color"]) as view, folder:
        view.open(folder.path)
        console = Console(
            plan.nodes,
            color=flags["color"],
            as_json=as_json,
            run_log=folder.run_log,
            shown_elsewhere=lambda: view.shows,
        )
        for note in (*flags["notes"], *plan.warnings):
            console.say(note, level="WARNING")
        fast = f", speed {speed:g}: all times are the call's" if speed != 1 else ""
        console.say(f"plan {relative(plan.path)}, network {kind} ({why}), folder {relative(folder.path)}{fast}")
        noted = {"plan": relative(plan.path), "network": kind, "why": why, "clock": clock.rate()}
        folder.event(ORCHESTRATOR, "begun", began_s=round(began_s, 6), **noted)
        run = Run(plan, Supervisor(plan.nodes, timing), folder, console, wishes)
        with elsewhere.connected(plan, ssh_of(plan), folder.path, run.post) as run.machines:
            return _play(run, folder, console, kind)


def check_speed(plan: Plan, speed: float, *, listen: bool) -> None:
    """Refuse a speed at which the plan cannot be run here. Raises UsageError."""
    if speed == 1:
        return
    if plan.hosts:
        raise UsageError(f"speed {speed:g}: wanted a plan whose roles are all here, where time can go faster; "
                         f"{plan.path} has some on {', '.join(plan.hosts)}: run it at speed 1")
    if not is_self_contained(plan) or plan.devices:
        raise UsageError(f"speed {speed:g}: wanted a plan of b2b's own roles alone, whose time goes as fast as we "
                         f"want; {plan.path} has others in its calls, whose time does not: run it at speed 1")
    if listen:
        raise UsageError(f"--listen: wanted a call at speed 1, which an ear can follow, came speed {speed:g}")
    if not faketime.library():
        raise UsageError(f"speed {speed:g}: wanted libfaketime, which is not installed; "
                         f"`sudo apt-get install {faketime.PACKAGE}` installs it")


def choose_network(wanted: str, plan: Plan) -> tuple[str, str]:
    """Return which network the run uses, and why. Raises UsageError where the wanted one cannot be had."""
    if wanted == HOST:
        return HOST, "as asked for"
    contained = is_self_contained(plan)
    if wanted == "auto" and not contained:
        return HOST, "the plan reaches beyond itself"
    if there := [node.name for node in plan.devices if not node.starts_itself]:
        raise UsageError(f"--network private: {there[0]} is there already, outside of it; use --network host")
    if wanted == PRIVATE and plan.hosts:
        raise UsageError(f"--network private: {next(iter(plan.hosts))} is outside of it; use --network host")
    if refusal := network.private_works():
        if wanted == PRIVATE:
            raise UsageError(f"--network private: this system does not allow it ({refusal}); use --network host")
        return HOST, f"this system allows no private one: {refusal}"
    return PRIVATE, "a namespace of its own"


def show(plan: Plan, folder: RunFolder, wishes: Wishes, why: str) -> None:
    """Print what would be started, as it could be typed."""
    for warning in plan.warnings:
        print(f"Warning: {printable(warning)}", file=sys.stderr)
    print(f"# network: {why}", *picture.picture(plan), *hooks.dry_run(plan), sep="\n")
    for node in plan.nodes:
        if node.is_device:
            print(f"\n# {node.name}", *picture.device(node, plan, folder.node(node.name)), sep="\n")
            continue
        extra = extra_flags(node, wishes, folder)
        left_out = {*HIDDEN, *(["--capture"] if node.host else [])}  # whose folder is not there yet
        typed = {name: value for name, value in extra.items() if name not in left_out}
        command = role_command(node, target=node.settings.get("sip_target"), extra=typed)
        print(f"\n# {node.name}{f', on {node.host}' if node.host else ''}", picture.shell_line(command), sep="\n")
        print(*(f"    {line}" for line in picture.configuration(node)), sep="\n")


def _play(run: Run, folder: RunFolder, console: Console, kind: str) -> int:
    folder.write_plan(run.plan)
    folder.write_summary(_summary(run, kind, exit_code=None, failed=None))
    if folder.trouble:  # not even that: before anything is started
        raise UsageError(f"--run-dir: {folder.trouble}")
    trouble = ""
    try:
        with hooks.heard(console, run.stop_broken), hooks.around(run.plan, folder.path):
            run.play()
            folder.event(ORCHESTRATOR, "played")
            signals.interrupt_once()
            run.bring_home()
            folder.write_summary(_summary(run, kind, exit_code=None, failed=run.supervisor.failed_first()))
    except UsageError:  # the table of a plan that only its owner can check, before anything was started
        raise
    except KeyboardInterrupt:
        trouble = "interrupted while the call was judged"
    except B2bError as error:
        trouble = str(error)
    except Exception as error:
        trouble = describe(error)
    signals.ignore()
    folder.event(ORCHESTRATOR, "judged")
    failed = run.supervisor.failed_first()
    code, said = _outcome(folder, failed, folder.trouble or trouble or run.broken)
    folder.write_summary(_summary(run, kind, exit_code=int(code), failed=failed))
    _close(run, folder, console, code, failed, said)
    return int(code)


def _outcome(folder: RunFolder, failed: Failure | None, trouble: str) -> tuple[ExitCode, str]:
    """Return the run's exit code and what is to be said of it: a role's failure first, then trouble, then the judge."""
    if failed:
        return ExitCode(failed.code), trouble
    return (ExitCode.UNEXPECTED, trouble) if trouble else hooks.verdict(folder.path)


def _summary(run: Run, kind: str, *, exit_code: int | None, failed: Failure | None) -> dict[str, Any]:
    return summary(
        run.plan,
        exit_code=exit_code,
        network=kind,
        speed=clock.speed(),
        duration_s=run.duration_s,
        exit_codes=run.supervisor.exit_codes(),
        metrics=run.metrics,
        failed=failed,
        held=run.held,
    )


def _close(
    run: Run, folder: RunFolder, console: Console, code: ExitCode, failed: Failure | None, said: str
) -> None:
    """Say what came out, in words, with where to look."""
    console.say(f"the call lasted {run.duration_s:.1f} s" if run.duration_s else "there was no call")
    codes = run.supervisor.exit_codes()
    closing = closing_lines(run.plan, codes, run.metrics, in_call=run.in_call, failed=failed, held=run.held)
    for well, line in closing:
        console.say(line, mark="✓" if well else "✗")
    for node in run.plan.nodes:
        recording = folder.recording(node.name)
        if recording.exists() and node.name in run.in_call:
            console.say(f"recording of {node.name}: {relative(recording)}")
    if (report := folder.path / hooks.REPORT).exists():
        console.say(f"report: {relative(report)}")
    if failed:
        log = relative(Path(folder.node(failed.node)))
        console.say(f"{failed.node} failed first: exit {failed.code}: {failed.reason}", level="ERROR")
        console.say(f"look into {log}/ and {relative(folder.path)}/run.log")
    if said:
        console.say(said, mark="✓" if code is ExitCode.OK else "✗")
    ending = f"exit {int(code)}: {code.meaning}; everything is in {relative(folder.path)}/"
    console.say(ending, mark="✗" if code else "✓")
