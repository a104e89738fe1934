"""Checks every kernel of a report, which is the standard input, as JSON.

No spill, no stack, nothing that ptxas warns of or serializes; kernels that do much of
a layer's work do it with the matrix instruction of their chip; and no kernel has more
or fewer of these than its steps do: no two steps became one.
"""

import json
import re
import sys

# What products run on: wgmma is Hopper's alone.
MATRIX = {"sm_80": r"HMMA\.", "sm_90a": r"HGMMA\.64x", "sm_120": r"HMMA\."}
# A layer of few tokens in one launch has them as the 8 columns of mma.sync.
WHOLE = "moe_one_launch", r"HMMA\."
# A kernel with this part of the operations is one of the products.
SHARE = 0.2
# By what a kernel does, which its name says, how many a step of the biggest loop has,
# and all loops together: one for each number of rows. A layer's launch has scores or not, one of products has
# those of the shared expert or not.
STEPS = {
    "scores": (8, {8, 12}),
    "route": (8, {8, 12}),
    "moe_one_launch": (16, {56, 60}),
    "grouped_matmul_sm90": (8, {128, 256}),
    "grouped_matmul": (64, {288, 576}),
}

# --vector: products do without one; --matrix=CHIP: on other chips, as weights of 8
# bits do, whose stages are twice as deep for tiles of half the tokens.
options = sys.argv[1:]
if any(a.startswith("--matrix=") for a in options):
    STEPS["grouped_matmul_sm90"] = 16, {128}
# --tf32=N: f32 products have N in a step of all 4 slices of rows.
tf32 = next((int(a[7:]) for a in options if a.startswith("--tf32=")), 0)
if tf32:
    MATRIX = dict.fromkeys(MATRIX, r"HMMA\.1688\.F32\.TF32$")
    STEPS["grouped_matmul"] = tf32, {tf32 * (1 + 2 + 3 + 4) // 4}
kernels = [k for k in json.load(sys.stdin)["kernels"] if not k["is_empty"]]
assert {k["chip"] for k in kernels} == set(MATRIX)
for chip, pattern in MATRIX.items():
    own = [k for k in kernels if k["chip"] == chip]
    total = sum(k["useful_flops"] or 0 for k in own)
    products = 0
    has_matrix = not options or bool(tf32) or options == [f"--matrix={chip}"]
    for k in own:
        where = f"{chip} {k['kernel']}"
        assert k["spill_bytes"] == k["stack_bytes"] == 0, where
        assert k["notes"] == [], (where, k["notes"])
        assert k["registers"] <= 255 and k["blocks_a_multiprocessor"] >= 1, where
        if count := sum(k["matrix_instructions"].values()):
            step, together = next(STEPS[s] for s in STEPS if s in k["kernel"])
            assert k["loops"][0]["matrix"] == step, (where, k["loops"])
            assert count in together, (where, k["matrix_instructions"])
        # Not counted beside kernels that run for more tokens.
        is_whole = WHOLE[0] in k["kernel"]
        meant = WHOLE[1] if is_whole else pattern
        found = [name for name in k["matrix_instructions"] if re.match(meant, name)]
        if is_whole or (k["useful_flops"] or 0) > SHARE * total:
            products += 1
            assert bool(found) == has_matrix, (where, k["matrix_instructions"])
            # The biggest loop is of that instruction.
            if has_matrix:
                assert re.match(meant, k["loops"][0]["instruction"]), (
                    where,
                    k["loops"],
                )
    # A report without work has kernels of sizes known at run time alone.
    if total:
        assert products >= 1, f"{chip} has no product"
    print(f"{chip}: {len(own)} kernels, {products} products")
