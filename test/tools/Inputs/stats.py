# ===- stats.py - what --stats must say of stats.mlir ---------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""stats.py make: writes r.npy, theta.npy and five.npy. stats.py FILE: compares what
et-run printed for these with sums over all times that each gate ran."""

import re
import sys
from pathlib import Path

import numpy as np

TIMES = 5
rng = np.random.default_rng(7)
r = rng.standard_normal((40, 4)).astype(np.float32)
theta = np.array([-3.5, -2.5, -1.0, 9.0], np.float32)
if sys.argv[1] == "make":
    np.save("r.npy", r)
    np.save("theta.npy", theta)
    np.save("five.npy", np.int64(TIMES))
    sys.exit()

ranks = (-r).argsort(axis=1).argsort(axis=1)
best = (-r).argsort(axis=0).argsort(axis=0)
chosen = [
    [r > theta],
    [r > theta + np.float32(i) for i in range(TIMES)],
    [ranks < 2 for i in range(TIMES) if i % 2],
    [best < 10] * TIMES,
]
text = Path(sys.argv[1]).read_text()
gates = re.split(r"^gate \d+\n", text, flags=re.MULTILINE)[1:]
assert len(gates) == len(chosen), text
for printed, runs in zip(gates, chosen, strict=True):
    loads = sum(run.sum(axis=0) for run in runs)
    fans = sum(np.bincount(run.sum(axis=1), minlength=5) for run in runs)
    want = {
        "selected pairs": f"{loads.sum()}",
        "loads": " ".join(map(str, loads)),
        "tokens": f"{40 * len(runs)}",
        "tokens by number of experts": " ".join(
            f"{i}:{n}" for i, n in enumerate(fans) if n
        ),
        "mean load": f"{loads.mean():g}",
        "load variance": f"{loads.var():g}",
        "tokens without an expert": f"{fans[0] / fans.sum():g}",
        "experts without a token": f"{(loads == 0).mean():g}",
    }
    for name, value in want.items():
        line = rf"^  {name} +{re.escape(value)}$"
        assert re.search(line, printed, re.MULTILINE), f"{name} {value}:\n{printed}"
