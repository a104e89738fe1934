# ===- triton.py - kernels that Triton compiled ----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_SCHEDULE=early %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_SCHEDULE=late %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_SCHEDULE=random ET_EMU_SEED=5 %python %s
"""Kernels that Triton compiled (Inputs/triton) agree with NumPy."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import numpy as np

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
driver = emu.Driver()
NONE = emu.Scalar(0, np.uint64)  # the scratch pointers that Triton appends


def launch(name, chip, grid, *args):
    text = (emu.HERE / "triton" / f"{name}-sm_{chip}.ptx").read_text()
    shared = int(re.search(r"(\d+) bytes of dynamic shared", text)[1])
    emu.Module(driver, text).launch(name, grid, 128, *args, NONE, NONE, smem=shared)


for chip in (80, 90):
    n = 1000
    x, y, o = (rng.standard_normal(n).astype(np.float32) for _ in range(3))
    launch("add", chip, 4, x, y, o, n)
    assert np.array_equal(o, x + y)
    x, o = (
        rng.standard_normal((7, 777)).astype(np.float32),
        emu.Empty((7, 777), np.float32),
    )
    launch("softmax", chip, 7, x, o, 777)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    assert np.allclose(o.value, e / e.sum(1, keepdims=True), rtol=1e-5, atol=1e-9)
    # Sums of whole numbers are exact in any order.
    M, N, K = 80, 144, 96
    a, b = (rng.integers(-8, 9, s).astype(np.float16) for s in ((M, K), (K, N)))
    c = emu.Empty((M, N), np.float32)
    launch("product", chip, (2, 3), a, b, c, M, N, K)
    assert np.array_equal(c.value, a.astype(np.float32) @ b.astype(np.float32))
    E, N = 4, 64
    rows = np.array([0, 70, 0, 33])
    offsets = np.concatenate([[0], np.cumsum(rows)]).astype(np.int32)
    a, b = (
        rng.integers(-8, 9, s).astype(np.float16) for s in ((rows.sum(), K), (E, K, N))
    )
    c = emu.Empty((rows.sum(), N), np.float32)
    launch("grouped", chip, (2, 1, E), a, b, c, offsets, N, K)
    for k in range(E):
        part = slice(offsets[k], offsets[k + 1])
        assert np.array_equal(
            c.value[part], a[part].astype(np.float32) @ b[k].astype(np.float32)
        ), k
    print("ok", chip)
