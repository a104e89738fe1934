# ===- et_emulated.py - a compiled library on the emulated GPU --------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles a module for a GPU once, and calls it under each of the emulator's schedules.

The emulator reads its settings once a process, so each call has a process of
its own. All checks are on, and the schedules must agree in every bit.
"""

import ctypes
import json
import os
import pickle
import secrets
import tempfile
from pathlib import Path

import numpy as np
from et_library import Library

from et_compiled import BUILD, compiled

SCHEDULES = ("early", "late", "random")
CHIPS = ("sm_80", "sm_90a", "sm_120")
# Names of the kernels that were launched, in order, where a test makes it a list.
launched = None
# Their counters, likewise.
counted = None
# The device's memory at its fullest, of the last run that had kernels recorded.
peak_bytes = 0
# What else et-compile is told.
options = []


def in_child(settings, library, call):
    """What `call` makes of the library in a forked process with these environment variables."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as returned:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(said.fileno(), 2)
                os.environ.update(settings)
                pickle.dump(call(Library(library)), returned)
                returned.flush()
                code = 0
            except Exception as error:
                os.write(2, f"{error}\n".encode())
            finally:
                # As C ends: the driver writes its counters.
                ctypes.CDLL(None).exit(code)
        _, status = os.waitpid(child, 0)
        if status:
            said.seek(0)
            text = said.read(4000).decode(errors="replace")
            raise RuntimeError(f"status {status} with {settings}:\n{text}")
        returned.seek(0)
        return pickle.load(returned)


def record(launches):
    """Takes down the kernels of one call."""
    global peak_bytes
    for kept, key in ((launched, "kernel"), (counted, "counters")):
        if kept is not None:
            kept.extend(one[key] for one in launches)
    peaks = (one["counters"]["device.peak_bytes"] for one in launches)
    peak_bytes = max(peaks, default=0)


def run(module, arguments, chip, extra=()):
    """The results of @main of a module's text, the same under each schedule.

    `extra` are options of et-compile for this module alone.
    """
    driver = BUILD / "lib" / "libet_cuda_emu.so"
    if not driver.exists():
        raise FileNotFoundError(f"{driver}: build the emulator, or set ET_BUILD_DIR")
    arguments = [np.asarray(a, order="C") for a in arguments]
    library = compiled(module, "--target=cuda", f"--chip={chip}", *options, *extra)
    settings = {
        "ET_CUDA_DRIVER": str(driver),
        "ET_EMU_CHIP": chip,
        "ET_EMU_CHECK": "all",
        "ET_EMU_THREADS": "1",  # the tests themselves run side by side
        "ET_EMU_SEED": str(secrets.randbits(32)),
    }
    counters = Path(library.folder.name) / "counters.json"
    if launched is not None or counted is not None:
        settings["ET_EMU_STATS"] = str(counters)
    first = None
    for schedule in SCHEDULES:
        settings["ET_EMU_SCHEDULE"] = schedule
        try:
            found = in_child(
                settings, library.path, lambda made: made.call("main", *arguments)
            )
        except RuntimeError as error:
            raise RuntimeError(f"{chip}, {schedule}: {error}\n{module}") from None
        if "ET_EMU_STATS" in settings:
            record(json.loads(counters.read_text()))
        first = first or found
        for k, (a, b) in enumerate(zip(first, found, strict=True)):
            assert a.tobytes() == b.tobytes(), (
                f"{chip}: result {k} differs between the schedules early and "
                f"{schedule} (ET_EMU_SEED={settings['ET_EMU_SEED']})\n{module}"
            )
    return first
