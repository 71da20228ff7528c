"""Other detectors, each as a function from samples to digits; and which of them this machine has."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import subprocess
from collections.abc import Callable
from math import gcd

import numpy as np
from scipy.signal import resample_poly  # type: ignore[import-untyped]

from battery.sound import RATE, Samples

Hear = Callable[[Samples], str]
MULTIMON_RATE = 22050


class Spandsp:
    """The detector of spandsp, with its own defaults, fed as a call is: in frames of 20 ms."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("spandsp")
        if name is None:
            raise OSError("libspandsp is not installed: apt-get install libspandsp2")
        self._library = ctypes.CDLL(name)
        pointer = ctypes.c_void_p
        self._library.dtmf_rx_init.restype = pointer
        self._library.dtmf_rx_init.argtypes = [pointer, pointer, pointer]
        self._library.dtmf_rx.argtypes = [pointer, pointer, ctypes.c_int]
        self._library.dtmf_rx_get.restype = ctypes.c_size_t
        self._library.dtmf_rx_get.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int]
        self._library.dtmf_rx_free.argtypes = [pointer]

    def __call__(self, samples: Samples, piece: int = 8 * RATE) -> str:
        """Return the digits that it heard."""
        samples = np.ascontiguousarray(samples)
        state, heard, buffer = self._library.dtmf_rx_init(None, None, None), "", ctypes.create_string_buffer(129)
        for at in range(0, len(samples), piece):  # it keeps no more than 128 digits
            self._library.dtmf_rx(state, samples[at:].ctypes.data, min(piece, len(samples) - at))
            self._library.dtmf_rx_get(state, buffer, 128)
            heard += buffer.value.decode()
        self._library.dtmf_rx_free(state)
        return heard


def resampled(samples: Samples) -> Samples:
    """Return the samples as multimon-ng wants them, at 22.05 kHz; it is slow to end, so with some silence."""
    common = gcd(RATE, MULTIMON_RATE)
    sound = resample_poly(samples.astype(np.float64), MULTIMON_RATE // common, RATE // common)
    return np.asarray(np.clip(np.rint(np.pad(sound, (0, 2000))), -32768, 32767), np.int16)


def multimon(samples: Samples) -> str:
    """Return the digits that multimon-ng hears."""
    return multimon_raw(resampled(samples))


def multimon_raw(samples: Samples) -> str:
    """Return the digits that multimon-ng hears in samples of its own rate."""
    command = ["multimon-ng", "-q", "-c", "-a", "DTMF", "-t", "raw", "-"]
    done = subprocess.run(command, input=samples.tobytes(), capture_output=True, check=True)
    return "".join(line.removeprefix("DTMF: ").strip() for line in done.stdout.decode().splitlines())


def peers() -> dict[str, Hear]:
    """Return those that are installed, by name."""
    found: dict[str, Hear] = {}
    if ctypes.util.find_library("spandsp"):
        found["spandsp"] = Spandsp()
    if shutil.which("multimon-ng"):
        found["multimon-ng"] = multimon
    return found
