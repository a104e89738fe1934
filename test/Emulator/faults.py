# ===- faults.py - planted faults and their corrected twins ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_LIMIT=10000000 ET_EMU_SCHEDULE=early %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_LIMIT=10000000 ET_EMU_SCHEDULE=late %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_LIMIT=10000000 ET_EMU_SCHEDULE=random ET_EMU_SEED=1 %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_LIMIT=10000000 ET_EMU_SCHEDULE=random ET_EMU_SEED=2 %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_LIMIT=10000000 ET_EMU_SCHEDULE=random ET_EMU_SEED=7 %python %s
# REQUIRES: cuda-toolkit
"""Each planted fault is found and named; its corrected twin runs clean."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import numpy as np

driver = emu.Driver()
A = np.arange(1, 513, dtype=np.float32)


def OUT():
    return np.zeros(512, np.float32)


# Kernel, blocks, threads, arguments, and what the report must say.
CASES = [
    (
        "missing_syncthreads",
        1,
        64,
        lambda: (A, OUT()),
        ["race: this warp writes shared", " read at line", "nothing orders"],
    ),
    (
        "missing_second_syncthreads",
        1,
        64,
        lambda: (A, OUT()),
        ["race: this warp reads shared", "warp 1 wrote", "st.shared", "nothing orders"],
    ),
    (
        "missing_copy_wait",
        1,
        32,
        lambda: (A, OUT()),
        ["race:", "asynchronous copy (cp.async)", "has not waited"],
    ),
    (
        "global_overrun",
        1,
        64,
        lambda: (A[:40].copy(), np.zeros(40, np.float32), 40),
        ["out of bounds", "0 bytes beyond the end"],
    ),
    (
        "shared_overrun",
        1,
        64,
        lambda: (A, OUT()),
        ["out of bounds", "shared store", "256 bytes of shared"],
    ),
    (
        "uninitialized_global",
        1,
        64,
        lambda: (A, OUT(), emu.Empty(64, np.float32)),
        ["read of memory that nothing wrote", "global"],
    ),
    (
        "uninitialized_shared",
        1,
        64,
        lambda: (A, OUT()),
        ["read of memory that nothing wrote", "shared"],
    ),
    ("block_race", 4, 32, lambda: (OUT(),), ["race:", "of block"]),
    (
        "unordered_init",
        4,
        32,
        lambda: (np.zeros(1, np.uint32), OUT()),
        ["race:", "global", "of block", "nothing orders"],
    ),
    (
        "broken_release",
        3,
        32,
        lambda: (OUT(), np.zeros(2, np.uint32), OUT()),
        ["race: this warp reads global", "block 0", "nothing orders"],
    ),
    *(
        (
            name,
            4,
            32,
            lambda: (np.zeros(4, np.float32), np.zeros(1, np.uint32), OUT()),
            ["race: this warp reads global", "of block", "nothing orders"],
        )
        for name in (
            "missing_fence_before",
            "missing_fence_after",
            "fence_of_the_block",
            "relaxed_atomic",
        )
    ),
    (
        "missing_first_syncthreads",
        1,
        64,
        lambda: (A, OUT()),
        ["race: this warp ", "shared memory", "nothing orders"],
    ),
    (
        "block_reads_early",
        4,
        32,
        lambda: (emu.Empty(4, np.float32), OUT()),
        ["race: this warp ", "global memory", "of block", "nothing orders"],
    ),
    (
        "forgotten_reader",
        1,
        96,
        lambda: (A.copy(), OUT()),
        ["race: this warp ", "global memory", "nothing orders"],
    ),
    (
        "forgotten_half",
        1,
        96,
        lambda: (OUT(),),
        ["race: this warp ", "shared memory", "nothing orders"],
    ),
    (
        "divergent_barrier",
        1,
        32,
        lambda: (A, OUT()),
        ["divergent bar.sync", "0000ffff"],
    ),
    ("misaligned", 1, 32, lambda: (A, OUT()), ["misaligned global", "multiple of 16"]),
    ("barrier_of_few", 1, 64, lambda: (OUT(),), ["deadlock", "barrier 3 (32 of 64"]),
    (
        "shuffle_outside",
        1,
        32,
        lambda: (A.view(np.int32), np.zeros(32, np.int32)),
        ["shfl reads lane 20"],
    ),
    ("failed_assert", 1, 32, lambda: (OUT(),), ["trap"]),
    ("endless", 1, 32, lambda: (np.zeros(1, np.int32),), ["did not end"]),
    ("wrong_count", 1, 64, lambda: (OUT(),), ["deadlock", "1 of 65 arrivals"]),
    ("wrong_parity", 1, 64, lambda: (OUT(),), ["deadlock", "parity 1"]),
    ("wrong_bytes", 1, 64, lambda: (A, OUT()), ["deadlock", "16 bytes missing"]),
    (
        "missing_bulk_wait",
        1,
        64,
        lambda: (A, OUT()),
        ["race:", "bulk copy writes", "has not waited"],
    ),
    (
        "unwaited_store",
        1,
        64,
        lambda: (A, OUT()),
        ["a bulk copy out of shared memory", "not waited for"],
    ),
    (
        "unwaited_load",
        1,
        64,
        lambda: (A, OUT()),
        ["a bulk copy into shared memory", "not waited for"],
    ),
    ("missing_init_sync", 1, 64, lambda: (OUT(),), ["mbarrier"]),
    ("missing_proxy_fence", 1, 64, lambda: (A, OUT()), ["missing fence.proxy.async"]),
    ("missing_wgmma_fence", 1, 128, lambda: (A, OUT()), ["missing wgmma.fence"]),
    ("missing_wgmma_wait", 1, 128, lambda: (A, OUT()), ["wgmma.wait_group is missing"]),
    (
        "missing_wgmma_proxy_fence",
        1,
        128,
        lambda: (A, OUT()),
        ["missing fence.proxy.async"],
    ),
    (
        "overwritten_wgmma_tile",
        1,
        128,
        lambda: (A, OUT()),
        ["race:", "asynchronous product (wgmma)", " reads"],
    ),
]

bad = emu.Module(driver, emu.compile_cuda("faults.cu", "nvcc", "sm_90a", ["WGMMA"]))
good = emu.Module(
    driver, emu.compile_cuda("faults.cu", "nvcc", "sm_90a", ["WGMMA", "FIXED"])
)
failed = 0
for name, blocks, threads, args, words in CASES:
    smem = 4 * threads if name == "shared_overrun" else 0
    said = ""
    try:
        good.launch(name, blocks, threads, *args(), smem=smem)
    except emu.Fault as fault:
        failed += 1
        print("FAILED: the corrected twin of", name, "is not clean:", fault.said)
    try:
        bad.launch(name, blocks, threads, *args(), smem=smem)
    except emu.Fault as fault:
        said = fault.said
    missing = [
        w for w in words + [f"kernel '{name}'", "block (", "warp "] if w not in said
    ]
    if missing:
        failed += 1
        print("FAILED:", name, "does not say", missing, "but:", said)
    else:
        print("ok", name)
sys.exit(failed != 0)
