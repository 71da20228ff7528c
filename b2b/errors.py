"""What can end a run, as exit codes and as the exceptions that carry them."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """The codes of every b2b process; each knows the sentence for the log's last line."""

    OK = 0, "finished"
    CHECK_FAILED = 1, "the call was made, but a check failed or could not tell"
    USAGE = 64, "invalid arguments or plan"
    SIP = 65, "SIP setup or connection failure"
    AUDIO = 66, "audio input or output failure"
    TIMEOUT = 67, "not ready, or not shut down, in time"
    UNEXPECTED = 70, "unexpected internal error"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        """Keep the number as the value and the sentence beside it."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


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


class NotInTime(B2bError):
    """Something was not ready, or not gone, before its deadline."""

    code = ExitCode.TIMEOUT
