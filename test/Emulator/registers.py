# ===- registers.py - what setmaxnreg gives and takes -----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
"""A block's registers are those that its threads start with, however they move.

Warps that ask for more wait until others have given enough back, which shows where
these in turn wait for them.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import numpy as np

HEADER = ".version 8.0\n.target sm_90a\n.address_size 64\n"
# The first threads give, the others take; all write their thread's number.
KERNEL = """.visible .entry {name}(.param .u64 p0) {bounds} {{
  .reg .b32 %t; .reg .b64 %out, %o; .reg .pred %low;
  mov.u32 %t, %tid.x; setp.lt.u32 %low, %t, {givers};
  @!%low bra TAKE;
  {give}
  bra END;
TAKE:
  {take}
END:
  ld.param.u64 %out, [p0]; mul.wide.u32 %o, %t, 4; add.u64 %out, %out, %o;
  st.global.b32 [%out], %t;
  ret;
}}
"""
MAX = ".maxntid 128 .maxnreg 128"
DEC, INC = "setmaxnreg.dec.sync.aligned.u32", "setmaxnreg.inc.sync.aligned.u32"
BOTH, MEET = f"{DEC} 64;", "bar.sync 1, 128;"
# Name, bounds, what the lower and the upper half do, and what a fault says.
CASES = [
    ("exact", MAX, BOTH, f"{INC} 192;", None),
    ("given_first", MAX, f"{BOTH} {MEET}", f"{INC} 192; {MEET}", None),
    ("waits", MAX, f"{MEET} {BOTH}", f"{INC} 192; {MEET}",
     ["deadlock", "waits for registers: its threads have 128 and 0 more are free"]),
    ("too_many", MAX, BOTH, f"{INC} 200;",
     ["deadlock", "waits for registers: its threads have 128 and 56 more are free"]),
    ("less_by_inc", MAX, BOTH, f"{INC} 120;",
     ["setmaxnreg inc to 120 registers a thread, which has 128"]),
    ("more_by_dec", MAX, f"{DEC} 136;", "",
     ["setmaxnreg dec to 136 registers a thread, which has 128"]),
    # 65536 registers for 384 threads are 168 each, by eights.
    ("by_threads", ".reqntid 384", f"{DEC} 56;", f"{INC} 224;", None),
    ("by_threads_too_many", ".reqntid 384", f"{DEC} 64;", f"{INC} 232;",
     ["deadlock", "waits for registers"]),
    # Nothing bounds them: ptxas ignores it.
    ("unbounded", "", "", f"{INC} 240;", None),
]  # fmt: skip


def test(driver):
    for name, bounds, give, take, says in CASES:
        # Of three warpgroups one gives.
        threads, givers = (384, 128) if "384" in bounds else (128, 64)
        ptx = HEADER + KERNEL.format(
            name=name, bounds=bounds, give=give, take=take, givers=givers
        )
        out = np.zeros(threads, np.uint32)
        try:
            emu.Module(driver, ptx).launch(name, (1, 1, 1), (threads, 1, 1), out)
        except emu.Fault as fault:
            assert says, f"{name}: {fault.said}"
            for text in says:
                assert text in fault.said, f"{name}: {text!r} not in {fault.said}"
        else:
            assert not says, f"{name}: no fault"
            assert (out == np.arange(threads)).all(), name
    return True


emu.under_schedules(test)
