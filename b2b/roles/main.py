"""Runs one role from its first line to its exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

from b2b import child
from b2b.errors import B2bError, ExitCode, describe
from b2b.roles.desk import Desk, Stopped
from b2b.roles.settings import Common

Settings = TypeVar("Settings", bound=Common)


def main(role: str, settings: Settings, run: Callable[[Desk, Settings], None]) -> ExitCode:
    """Play the role; log what ends it, and return the code that says so."""
    desk = Desk(role, settings)
    code = ExitCode.OK
    try:
        desk.open()
        run(desk, settings)
    except Stopped as stopped:
        desk.log.info(f"stopping ({stopped})", event="stopping")
    except B2bError as error:
        code = error.code
        desk.report(error)
    except Exception as error:
        code = ExitCode.UNEXPECTED
        trace = traceback.format_exc()
        desk.log.error(describe(error), event="failed", code=int(code), trace=trace)
    desk.close()
    desk.log.info(f"exit code={int(code)} ({code.meaning})", event="exit", code=int(code))
    if desk.orphaned:
        child.kill_own_group()
    return code
