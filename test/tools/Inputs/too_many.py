"""Calls too_many.mlir with sizes at and over what 32 bits can count; no tensor has an
element. A library for the emulated GPU is called here, what et-run keeps by et-run."""

import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "Target" / "Inputs"))
from et_library import Error, Library

tools, model, target = sys.argv[1:]
PAIRS = "et.moe: tokens times the experts that one can have must stay below 2147483648"
TOKENS = "et.statistic: tokens must stay below 2147483648"
MASK = "et.offsets: tokens times experts must stay below 2147483648"


def call_library(entry, arrays):
    try:
        Library("too_many.so").call(entry, *arrays)
    except Error as error:
        return str(error)
    return "no complaint"


def call_tool(entry, arrays):
    command = [f"{tools}/et-run", model, f"--entry={entry}", f"--target={target}"]
    command.append(f"--cache={target}.cache")
    for i, array in enumerate(arrays):
        np.save(f"{i}.npy", array)
        command.append(f"--arg={i}.npy")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == int("error" in done.stderr), done
    return done.stderr


def run(entry, error, *shapes):
    dtype = np.int32 if entry == "offsets" else np.float32
    arrays = [np.zeros(shape, dtype) for shape in shapes]
    said = (call_library if target == "cuda" else call_tool)(entry, arrays)
    right = error + "; use fewer tokens" in said if error else "error" not in said
    assert right, (entry, shapes, said)


if target == "cuda":
    command = [f"{tools}/et-compile", model, "--target=cuda", "-o", "too_many.so"]
    subprocess.run(command, check=True)


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
