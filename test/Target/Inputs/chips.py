# ===- chips.py - does ptxas compile for each chip of a list? -------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""chips.py FILE: compiles an empty kernel for every chip that the file names."""

import re
import subprocess
import sys
from pathlib import Path

chips = re.findall(r"sm_\w+", Path(sys.argv[1]).read_text().partition("known:")[2])
assert "sm_80" in chips and "sm_90a" in chips, chips
for chip in chips:
    ptx = f".version 9.0\n.target {chip}\n.address_size 64\n.entry k() {{ ret; }}\n"
    Path("k.ptx").write_text(ptx)
    subprocess.run(["ptxas", f"-arch={chip}", "k.ptx", "-o", "k.cubin"], check=True)
