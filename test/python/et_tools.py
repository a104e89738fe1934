# ===- et_tools.py - runs a module on any target ----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs a module on any target, with arrays in and arrays out."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

import et_emulated
from et_compiled import ROOT, compiled, tool
from et_reference import FP8, STORAGE

__all__ = ["ROOT", "run", "run_in_memory", "tool"]
ELEMENT = {**STORAGE, "f8E4M3FN": FP8}


def load(path, dtype):
    """An .npy array; 16-bit brain floats come back as the two bytes that they are."""
    array = np.load(path)
    return array.view(dtype) if array.dtype.kind == "V" else array


def run_in_memory(module, arguments, results, target, threads=1, options=()):
    """The same as `run`, by et-run: compiled in memory, arrays by way of files."""
    with tempfile.TemporaryDirectory(prefix="et-") as name:
        folder = Path(name)
        (folder / "module.mlir").write_text(module)
        command = [tool("et-run"), folder / "module.mlir", "--entry=main"]
        command += [f"--target={target}", f"--threads={threads}", *options]
        for i, array in enumerate(arguments):
            np.save(folder / f"arg{i}.npy", array)
            command.append(f"--arg={folder}/arg{i}.npy")
        command += [f"--out={folder}/out{i}.npy" for i in range(len(results))]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(
                f"et-run --target={target} failed ({done.returncode}):\n"
                f"{done.stderr[:4000]}\n{module}"
            )
        return [
            load(folder / f"out{i}.npy", ELEMENT.get(element))
            for i, element in enumerate(results)
        ]


def run(module, arguments, results, target, threads=1, options=()):
    """The results of @main of a module's text; `results` are their element types.

    A target that is a chip is the emulated GPU, under each of its schedules; any other
    name is that of a processor. The last few modules are kept compiled.
    """
    if target == "reference":
        return run_in_memory(module, arguments, results, target, options=options)
    if target.startswith("sm_"):
        return et_emulated.run(module, arguments, target, options)
    processor = "native" if target == "cpu" else target
    library = compiled(module, f"--march={processor}", *options)
    return library.call(*arguments, threads=threads)
