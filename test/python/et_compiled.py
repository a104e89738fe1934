# ===- et_compiled.py - a module compiled once ------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles a module's text to a library once, to be called as often as a test likes."""

import functools
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from et_library import Library

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ET_BUILD_DIR", ROOT / "build" / "dev"))


def tool(name):
    path = BUILD / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path}: build the project, or set ET_BUILD_DIR")
    return str(path)


@dataclass
class Compiled:
    """A library, whose file goes with this object; what is loaded stays."""

    folder: tempfile.TemporaryDirectory

    @property
    def path(self):
        return Path(self.folder.name) / "module.so"

    @functools.cached_property
    def library(self):
        return Library(self.path)

    def call(self, *arguments, threads=1):
        """The results of @main, on so many threads of this process."""
        set_threads = getattr(self.library.lib, "omp_set_num_threads", None)
        if set_threads:  # else the code has no loop worth threads
            set_threads(threads)
        arrays = [np.asarray(a, order="C") for a in arguments]
        return self.library.call("main", *arrays)


@functools.lru_cache(maxsize=8)
def compiled(text, *options):
    """The library of a module's text; the last few are kept."""
    result = Compiled(tempfile.TemporaryDirectory(prefix="et-"))
    source = result.path.with_suffix(".mlir")
    source.write_text(text)
    command = [tool("et-compile"), *options, source, "-o", result.path]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"et-compile {' '.join(options)} failed ({done.returncode}):\n"
            f"{done.stderr[:4000]}\n{text}"
        )
    return result
