"""A line a kernel of what ptx-report prints as JSON."""

import json
import sys

# A round counts, compares and branches; the rest is the assembler's choice.
MOST = {"two_products": 12, "inner_loop": 6, "waits": 16}

for kernel in json.load(sys.stdin)["kernels"]:
    line = (
        f"{kernel['kernel']} {kernel['chip']}: {kernel['threads']} threads, "
        f"{kernel['static_shared_bytes']} shared, {kernel['spill_bytes']} spill"
    )
    if kernel["is_empty"]:
        line += ", empty"
    for loop in kernel["loops"]:
        assert loop["others"] in range(3, MOST[kernel["kernel"]] + 1), loop
        line += (
            f", {loop['matrix']} {loop['instruction']} of {loop['macs']} macs, "
            f"others in 3..{MOST[kernel['kernel']]}"
        )
    print(line)
