# ===- et_tools.py - runs et-run --------------------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs the compiler's tools on a module, with arrays in and arrays out."""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import et_emulated
from et_reference import FP8, STORAGE

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ET_BUILD_DIR", ROOT / "build" / "dev"))
ELEMENT = {**STORAGE, "f8E4M3FN": FP8}


def tool(name):
    path = BUILD / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path}: build the project, or set ET_BUILD_DIR")
    return str(path)


def load(path, dtype):
    """An .npy array; 16-bit brain floats come back as the two bytes that they are."""
    array = np.load(path)
    return array.view(dtype) if array.dtype.kind == "V" else array


def run(module, arguments, results, target, threads=1):
    """The results of @main of a module's text; `results` are their element types.

    A target that is a chip is the emulated GPU, under each of its schedules.
    """
    if target.startswith("sm_"):
        return et_emulated.run(module, arguments, results, target)
    with tempfile.TemporaryDirectory(prefix="et-") as folder:
        folder = Path(folder)
        (folder / "module.mlir").write_text(module)
        command = [
            tool("et-run"),
            str(folder / "module.mlir"),
            "--entry=main",
            f"--target={target}",
        ]
        for i, array in enumerate(arguments):
            np.save(folder / f"arg{i}.npy", array)
            command.append(f"--arg={folder}/arg{i}.npy")
        command += [f"--out={folder}/out{i}.npy" for i in range(len(results))]
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise RuntimeError(
                f"et-run --target={target} failed ({done.returncode}):\n"
                f"{done.stderr[:4000]}\n{module}"
            )
        return [
            load(folder / f"out{i}.npy", ELEMENT.get(element))
            for i, element in enumerate(results)
        ]
