# ===- ptx_facts.py - what ptxas and the text say of kernels ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Prints a line a kernel of the lowered module on the standard input.

    CHIP KERNEL: REGISTERS registers, STACK stack, SPILL spill, LOOPS loops

Stack and spill are bytes a thread. A loop is a label that a later branch goes
back to. Anything that ptxas warns of is an error.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path


def objects(text):
    """(chip, PTX) of every object embedded in a module."""
    pattern = r'chip = "(\w+)"[^"]*?assembly = "((?:[^"\\]|\\.)*)"'
    for chip, escaped in re.findall(pattern, text):
        ptx = re.sub(
            r"\\([0-9A-F]{2}|\\)",
            lambda m: "\\" if m[1] == "\\" else chr(int(m[1], 16)),
            escaped,
        )
        yield chip, ptx.rstrip("\0")


def loops(ptx):
    """Loops of each kernel."""
    counts, seen, heads, name = {}, set(), set(), None
    for line in ptx.splitlines():
        if entry := re.match(r"\.visible \.entry (\w+)", line):
            name, seen, heads = entry[1], set(), set()
        elif label := re.match(r"(\$L__\w+):", line):
            seen.add(label[1])
        elif branch := re.search(r"\bbra(?:\.uni)?\s+(\$L__\w+);", line):
            heads |= {branch[1]} & seen
        if name:
            counts[name] = len(heads)
    return counts


def assemble(ptxas, chip, ptx):
    """What `ptxas -v` prints."""
    with tempfile.TemporaryDirectory(prefix="et-") as folder:
        source = Path(folder) / "kernels.ptx"
        source.write_text(ptx)
        command = [ptxas, "-arch", chip, "-v", "--warn-on-spills"]
        command += ["--warn-on-local-memory-usage", source, "-o", f"{source}.cubin"]
        done = subprocess.run(command, capture_output=True, text=True)
    log = done.stdout + done.stderr
    if done.returncode or re.search(r"warning|C75\d\d", log):
        sys.exit(f"ptxas -arch {chip}:\n{log}")
    return log


def main(ptxas):
    found = False
    for chip, ptx in objects(sys.stdin.read()):
        found = True
        counts = loops(ptx)
        blocks = assemble(ptxas, chip, ptx).split("Compiling entry function '")[1:]
        if len(blocks) != len(counts):
            sys.exit(f"{chip}: ptxas saw {len(blocks)} kernels of {len(counts)}")
        for block in blocks:
            name = block.split("'")[0]
            stack, stores, loads = map(
                int,
                re.search(
                    r"(\d+) bytes stack frame, (\d+) bytes spill stores, "
                    r"(\d+) bytes spill loads",
                    block,
                ).groups(),
            )
            registers = re.search(r"Used (\d+) registers", block)[1]
            print(
                f"{chip} {name}: {registers} registers, {stack} stack, "
                f"{stores + loads} spill, {counts[name]} loops"
            )
    if not found:
        sys.exit("the module holds no PTX")


main(*sys.argv[1:])
