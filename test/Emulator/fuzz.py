# ===- fuzz.py - a short run of the fuzzer ---------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_LIMIT=1000 %python %s
"""Damaged PTX ends in an error or a fault, never in a crash or a hang."""

import os
import random
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import numpy as np

SEED = random.SystemRandom().randrange(2**32)
print("seed", SEED, flush=True)
rng = random.Random(SEED)
driver = emu.Driver()
for path in sorted((emu.HERE / "fuzz").glob("*.ptx")):
    try:
        emu.Module(driver, path.read_text()).launch(
            path.stem.split("-")[0], 1, 32, np.ones(4, np.int32)
        )
        raise AssertionError(f"{path.name} is neither refused nor faulty")
    except emu.Fault as fault:
        print(path.name, fault.said.splitlines()[0])
texts = [p.read_text() for p in sorted((emu.HERE / "triton").glob("*.ptx"))]
words = [re.findall(r"\s+|[\w.%$:]+|.", t) for t in texts]
pool = sorted({w for ws in words for w in ws if w.strip()})
pool += [
    "-1",
    "0x7fffffffffffffff",
    "99999999999999999999",
    "{",
    "}",
    "[",
    "]",
    "_",
    "0f7f800000",
    ".v4",
    "!",
    "@%p1",
]
counts = {"loaded": 0, "ran": 0, "refused": 0}
end = time.monotonic() + (20 if os.environ.get("ET_TEST_FULL") else 3)
while time.monotonic() < end:
    ws = list(rng.choice(words))
    for _ in range(rng.choice([1, 1, 2, 4, 30])):
        at = rng.randrange(len(ws))
        how = rng.randrange(4)
        if how == 0:
            ws[at] = rng.choice(pool)
        elif how == 1:
            del ws[at : at + rng.randrange(1, 8)]
        elif how == 2:
            ws.insert(at, rng.choice(pool))
        else:
            other = rng.randrange(len(ws))
            ws[at], ws[other] = ws[other], ws[at]
    text = "".join(ws)
    if rng.random() < 0.1:
        text = text[: rng.randrange(len(text))]
    entry = re.search(r"\.entry (\w+)", text)
    try:
        module = emu.Module(driver, text)
        counts["loaded"] += 1
        if entry:
            block = re.search(r"\.reqntid (\d+)", text)
            threads = int(block[1]) if block and 0 < int(block[1]) <= 1024 else 128
            module.launch(
                entry[1],
                1,
                threads,
                *[np.ones(4096, np.int32) for _ in range(8)],
                smem=24576,
            )
            counts["ran"] += 1
    except (emu.Fault, IndexError):
        counts["refused"] += 1
    finally:
        driver.lib.cuDevicePrimaryCtxReset_v2(0)
print(counts)
assert counts["refused"] > 0 and counts["loaded"] > 0
