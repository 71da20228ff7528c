"""What ends a judged call without a verdict, and what a check that failed raises."""

from __future__ import annotations

from b2b.errors import B2bError, ExitCode


class NoCallError(B2bError):
    """There was no call to judge: a role could not start, or nobody answered. Carries the run's exit code."""

    def __init__(self, says: str, code: int = ExitCode.UNEXPECTED) -> None:
        super().__init__(says)
        self.exit_code = code


class CouldNotTellError(B2bError):
    """The call was made, but this machine kept us from judging it."""


class CheckError(AssertionError):
    """A check of the call failed; its text says what was wanted, what came, when, and which file to open."""
