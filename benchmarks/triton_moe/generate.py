# ===- generate.py - the Triton layer's PTX ----------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles kernels.py for the layers of plan.py, which needs no GPU.

The PTX is kept in ptx/, since Triton is a gigabyte to install. To make it again:
`pip install triton==3.9.0` in an environment of its own, and run this there with
TRITON_DEFAULT_FP_FUSION=1.
"""

from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

import kernels
from plan import CHIPS, LAYERS, steps

BF, F, INTS, LONG = "*bf16", "*fp32", "*i32", "i32"
# Older than what this Triton writes, so that the ptxas of CUDA 13.0 takes it.
PTX_VERSION = 87
FOLDER = Path(__file__).with_name("ptx")


def signature(step):
    """The parameters' types, in order; the constants come after."""
    if step.kernel == "route":
        return {"x": BF, "router": BF, "ids": INTS, "gates": F, "T": LONG, "D": LONG}
    if step.kernel == "align":
        return {"ids": INTS, "pairs": INTS, "experts": INTS, "total": INTS, "P": LONG}
    if step.kernel == "combine":
        return {"y": BF, "out": BF, "D": LONG}
    lists = {"gates": F, "pairs": INTS, "experts": INTS, "total": INTS}
    return {"a": BF, "b": BF, "c": BF, **lists, "P": LONG, "N": LONG, "K": LONG}


def compile_step(step, chip):
    types = signature(step)
    # Pointers and widths that are multiples of 16, so that copies are vectors.
    facts = {
        (place,): [["tt.divisibility", 16]]
        for place, name in enumerate(types)
        if name not in ("T", "P")
    }
    types |= {name: "constexpr" for name in step.constants}
    constants = {(list(types).index(name),): v for name, v in step.constants.items()}
    source = ASTSource(getattr(kernels, step.kernel), types, constants, facts)
    options = {"num_warps": step.warps, "num_stages": step.stages}
    options["ptx_version"] = PTX_VERSION
    return triton.compile(source, target=GPUTarget("cuda", chip, 32), options=options)


def strip(text):
    """Without debug lines, whose sections name the folder that this ran in."""
    noise = (".loc", ".file", "//", "$L__tmp", "$L__func")
    lines = [line.strip() for line in text.split("\t.section")[0].splitlines()]
    return "\n".join(x for x in lines if x and not x.startswith(noise))


def main():
    FOLDER.mkdir(exist_ok=True)
    wanted = {
        (step.file(chip), int(chip.removeprefix("sm_"))): step
        for layer in LAYERS
        for chip in CHIPS
        for step in steps(layer)
    }
    for old in FOLDER.glob("*.ptx"):
        old.unlink()
    for (name, chip), step in wanted.items():
        kernel = compile_step(step, chip)
        (FOLDER / name).write_text(
            f"// Triton {triton.__version__}, {kernel.metadata.shared} bytes of "
            f"dynamic shared memory.\n{strip(kernel.asm['ptx'])}\n"
        )
        print(name)


main()
