"""What can end a run, as exit codes and as the exceptions that carry them."""

from __future__ import annotations

import enum
import errno
from pathlib import Path


class ExitCode(enum.IntEnum):
    """The codes of every b2b process."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 64
    SIP = 65
    AUDIO = 66
    TIMEOUT = 67
    UNEXPECTED = 70

    @property
    def meaning(self) -> str:
        """The code in words, for the log's last line."""
        return MEANINGS[self]


MEANINGS = {
    ExitCode.OK: "finished",
    ExitCode.CHECK_FAILED: "the call was made, but a check failed or could not tell",
    ExitCode.USAGE: "invalid arguments or plan",
    ExitCode.SIP: "SIP setup or connection failure",
    ExitCode.AUDIO: "audio input or output failure",
    ExitCode.TIMEOUT: "not ready, or not shut down, in time",
    ExitCode.UNEXPECTED: "unexpected internal error",
}

EXHAUSTED = {
    errno.EMFILE: ("no file descriptor was left for this process", "wanted a higher limit, as by `ulimit -n 1024`"),
    errno.ENFILE: ("no file descriptor was left on this machine", "wanted a higher fs.file-max, or less beside it"),
    errno.ENOMEM: ("no memory was left", "wanted more, or less beside it"),
    errno.ENOSPC: ("no space was left on the disk", "wanted some for recordings and logs"),
}


def describe(error: Exception) -> str:
    """Say an exception that nobody foresaw, and where it was raised, in one line; or what this machine ran out of."""
    if isinstance(error, OSError) and error.errno in EXHAUSTED:
        what, wanted = EXHAUSTED[error.errno]
        return f"{what}: {wanted} ({error.strerror})"
    import traceback  # which no help waits for

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return f"{ExitCode.UNEXPECTED.meaning}: {type(error).__name__}: {error} ({where})"


class B2bError(Exception):
    """An expected failure: its text is one sentence for the user, its code the exit code."""

    code = ExitCode.UNEXPECTED


class UsageError(B2bError):
    """A flag or a plan that cannot be used as it stands."""

    code = ExitCode.USAGE


class SipError(B2bError):
    """The call could not be set up, or broke."""

    code = ExitCode.SIP


class AudioError(B2bError):
    """A sound file, a decoder, a recording or a player failed."""

    code = ExitCode.AUDIO
