# ===- use_wheel.py - et_mlir where there is no LLVM ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""use_wheel.py SITE LAYER.mlir: compiles a layer with the package installed in SITE,
in a process that no other library of a compiler may come into."""

import sys
from pathlib import Path

site, model = map(Path, sys.argv[1:])
sys.path.insert(0, str(site))

import et_mlir  # noqa: E402
import numpy as np  # noqa: E402

assert Path(et_mlir.__file__).is_relative_to(site)
layer = et_mlir.compile(model, cache="")
rng = np.random.default_rng(0)
x, router, w1, w2, theta = (
    rng.standard_normal([n or 33 for n in value.shape], np.float32)
    for value in layer["layer"].arguments
)
y = layer(x, router, w1, w2, theta)
scores = x @ router
gates = np.where(scores > theta, 1 / (1 + np.exp(-scores)), 0)
hidden = np.maximum(np.einsum("td,edf->etf", x, w1), 0) ** 2
want = np.einsum("te,etf,efd->td", gates, hidden, w2)
np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-4)

ptx = et_mlir.compile(model, target="cuda:sm_90a", cache="").emit("ptx")
assert b".target sm_90a" in ptx

loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
ours = {Path(file).name for file in loaded if Path(file).is_relative_to(site)}
assert {"libETC.so", "libet_runtime.so", "libomp.so.5"} <= ours, ours
names = ("LLVM", "MLIR", "omp.so", "ETC", "et_runtime", "_native")
other = [
    f for f in loaded if any(n in f for n in names) and not f.startswith(str(site))
]
assert not other, other
