# ===- tools.py - the compiler's tools, called on files -------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""et-run and et-compile as functions, and what ptxas says about a kernel."""

import re
import subprocess
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


class Tools:
    def __init__(self, build, out):
        self.bin = Path(build) / "bin"
        self.out = Path(out)
        self.weights = self.out / "weights.safetensors"
        self.cache = (Path(build) / "CMakeCache.txt").read_text()

    def call(self, name, *arguments):
        command = [str(self.bin / name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"error: {' '.join(command)}\n{done.stderr}")
        return done.stdout + done.stderr

    def run(self, model, entry, target, arguments, results=0, repeats=0):
        """The results of a function of a model, and the median time in ms if asked."""
        command = [HERE / model, f"--entry={entry}", f"--target={target}"]
        for i, array in enumerate(arguments):
            path = self.out / f"{entry}-arg{i}.npy"
            np.save(path, array)
            command.append(f"--arg={path}")
        outs = [self.out / f"{entry}-{target}-out{i}.npy" for i in range(results)]
        command += [f"--out={path}" for path in outs]
        if repeats:
            command.append(f"--time={repeats}")
        said = self.call("et-run", *command, f"--weights={self.weights}")
        found = re.search(r"median ([0-9.]+) ms", said)
        return [np.load(path) for path in outs], float(found[1]) if found else None

    def compile(self, model, chip, emit):
        path = self.out / f"{Path(model).stem}-{chip}.{emit}"
        self.call(
            "et-compile", HERE / model, "--target=cuda", f"--chip={chip}",
            f"--emit={emit}", "-o", path,
        )  # fmt: skip
        return path

    def ptxas(self):
        """The ptxas of the toolkit that the build was configured with, or None."""
        found = re.search(r"^ET_CUDA_TOOLKIT:PATH=(.+)$", self.cache, re.M)
        path = Path(found[1]) / "bin" / "ptxas" if found else None
        return path if path and path.exists() else None

    def kernels(self, ptx, chip):
        """What `ptxas -v` says about each kernel of a PTX file, and its warnings."""
        done = subprocess.run(
            [
                self.ptxas(),
                "-v",
                f"-arch={chip}",
                ptx,
                "-o",
                self.out / "discard.cubin",
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"error: ptxas -arch={chip} {ptx}\n{done.stderr}")
        said = done.stderr + done.stdout
        (self.out / f"{ptx.stem}-ptxas.txt").write_text(said)
        (self.out / "discard.cubin").unlink()
        parts = re.split(r"Compiling entry function '([^']+)'", said)[1:]
        kernels = {}
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            kernels[name] = {
                "registers": int(re.search(r"Used (\d+) registers", text)[1]),
                "spills": sum(int(n) for n in re.findall(r"(\d+) bytes spill", text)),
                "shared": sum(int(n) for n in re.findall(r"(\d+) bytes smem", text)),
            }
        warnings = [line for line in said.splitlines() if "warning" in line.lower()]
        return kernels, warnings
