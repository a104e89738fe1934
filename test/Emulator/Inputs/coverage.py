# ===- coverage.py - what of the table of instructions was run -------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""coverage.py TABLE.md [PROGRAM STATS.json]

The table's first column has patterns of opcodes and modifiers in backquotes,
expanded as a shell expands {a,b}; its last column names the test that runs them.
With a program, every form of its rows must be among the instructions that the
counters say it executed. Without one, every row must name a program that exists.
"""

import json
import re
import sys
from pathlib import Path

from forms import expand


def rows(page):
    """Patterns and programs of the table under the heading 'Instructions'."""
    section = page.split("\n## Instructions\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if len(cells) == 4 and "`" in cells[0]:
            yield (
                re.findall(r"`([^`]+)`", cells[0]),
                re.findall(r"`([^`]+)`", cells[-1]),
            )


table = list(rows(Path(sys.argv[1]).read_text()))
assert len(table) > 20, "no table of instructions was found"
failed = 0
if len(sys.argv) == 2:
    folder = Path(__file__).resolve().parents[1]
    for patterns, programs in table:
        for program in programs or ["(none)"]:
            if not (folder / program).is_file():
                failed += 1
                print(f"{patterns[0]}: no such program: {program}")
else:
    program, stats = sys.argv[2:]
    executed = {}
    for launch in json.loads(Path(stats).read_text()):
        for form, count in launch["instructions"].items():
            executed[form] = executed.get(form, 0) + count
    count = 0
    for patterns, programs in table:
        for form in (f for p in patterns for f in expand(p) if program in programs):
            count += 1
            if form not in executed:
                failed += 1
                print(f"not executed by {program}: {form}")
    print(f"{program}: {count} forms of the table, {failed} not executed")
    failed += not count
sys.exit(failed != 0)
