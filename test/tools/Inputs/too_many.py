"""Calls too_many.mlir through et-run with sizes at and over what 32 bits can
count; no tensor has an element."""

import subprocess
import sys

import numpy as np

model, target = sys.argv[1:]
PAIRS = "et.moe: tokens times the experts that one can have must stay below 2147483648"
TOKENS = "et.statistic: tokens must stay below 2147483648"
MASK = "et.offsets: tokens times experts must stay below 2147483648"


def run(entry, error, *shapes):
    command = ["et-run", model, f"--entry={entry}", f"--target={target}"]
    for i, shape in enumerate(shapes):
        dtype = np.int32 if entry == "offsets" else np.float32
        np.save(f"{i}.npy", np.zeros(shape, dtype))
        command.append(f"--arg={i}.npy")
    result = subprocess.run(command, capture_output=True, text=True)
    what = (entry, shapes, result)
    if error:
        assert (
            result.returncode == 1 and error + "; use fewer tokens" in result.stderr
        ), what
    else:
        assert result.returncode == 0 and "error" not in result.stderr, what


def layer(error, tokens, experts):
    weights = ((0, experts), (experts,), (experts, 0, 4), (experts, 4, 0))
    run("layer", error, (tokens, 0), *weights)


layer(None, 3, 2)
layer(PAIRS, 2**31, 0)
layer(PAIRS, 2**31, 1)
layer(PAIRS, 2**30, 2)
layer(PAIRS, 2**31 // 5 + 1, 5)
# The product of these is 0 in 64 bits.
layer(PAIRS, 2**60, 16)
for tokens, error in ((3, None), (2**30, PAIRS)):
    run("top_two", error, (tokens, 0), (0, 9), (9, 0, 4), (9, 4, 0))
for tokens, error in ((2**31 - 1, None), (2**31, TOKENS), (2**32 + 1, TOKENS)):
    run("statistic", error, (tokens, 0), (0,))
for experts, words, error in ((2**20, 0, None), (0, 2**31 - 1, None), (0, 2**31, MASK)):
    run("offsets", error, (experts, words), (experts + 1,))
