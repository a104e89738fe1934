# ===- test_tiling.py - tiled ops against whole ones ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Ops tiled by the transform dialect, executed, against the same ops untiled.

No tile cuts a sum (over D, K or the experts), so the reference lowering adds the
same terms in the same order: every bit must be equal. test_ops.py compares the
untiled ops with NumPy.
"""

import subprocess

import numpy as np
import pytest

import et_reference as ref
from et_program import Program
from et_reference import STORAGE
from et_tools import run, tool
from test_ops import normal, random_case

SEEDS = range(16)


class TiledProgram(Program):
    """A size of 0 is dynamic: upstream's slices refuse to begin in a static one."""

    def type(self, array):
        return super().type(array).replace("<0x", "<?x").replace("x0x", "x?x")


def scores(rng, p):
    tokens, width, experts = (int(n) for n in rng.integers(1, 50, 3))
    kind = str(rng.choice(["linear", "cosine"]))
    x, router = (
        normal(rng, s, np.float32) for s in ((tokens, width), (width, experts))
    )
    out = np.zeros((tokens, experts), np.float32)
    p.op(f"et.scores {kind} ins({p.operands(x, router)})", out)
    return out.shape


def grouped_matmul(rng, p):
    chosen, plan, rows = random_case(rng)
    tokens, experts = chosen.shape
    storage = STORAGE[str(rng.choice(list(STORAGE)))]
    k, n = (int(size) for size in rng.integers(1, 30, 2))
    x = normal(rng, (tokens, k), storage)
    w, gate = (normal(rng, (experts, k, n), storage) for _ in range(2))
    bias = normal(rng, (experts, n), storage)
    # What rows beyond the pairs hold must be kept.
    out = normal(rng, (len(plan), n), np.float32)
    p.op(
        f"et.grouped_matmul silu ins({p.operands(x, w)}) "
        f"{p.clause('offsets', ref.offsets(chosen))} {p.clause('tokens', plan)} "
        f"{p.clause('bias', bias)} {p.clause('gate', gate)}",
        out,
    )
    return out.shape


def combine(rng, p):
    chosen, plan, rows = random_case(rng)
    width = int(rng.integers(1, 30))
    pairs = normal(rng, (len(plan), width), np.float32)
    gates = np.where(chosen, normal(rng, chosen.shape, np.float32), np.float32(0))
    mask, offsets = ref.pack_mask(chosen), ref.offsets(chosen)
    shared = normal(rng, (len(chosen), width), np.float32)
    p.op(
        f"et.combine ins({p.operands(pairs, gates, mask, offsets)}) "
        f"{p.clause('shared', shared)}",
        np.zeros_like(shared),
    )
    # Only columns are tiled.
    return (width,)


def tiled(module, op, sizes, folder):
    """The module after the transform dialect has tiled its one `op`."""
    any_op = "!transform.any_op"
    loops = sum(size > 0 for size in sizes)
    handles = ", ".join([any_op] * (1 + loops))
    (folder / "module.mlir").write_text(module)
    (folder / "tile.mlir").write_text(f"""
module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%root: {any_op} {{transform.readonly}}) {{
    %op = transform.structured.match ops{{["{op}"]}} in %root : ({any_op}) -> {any_op}
    %tiled, %loops:{loops} = transform.structured.tile_using_for %op tile_sizes {list(sizes)}
      : ({any_op}) -> ({handles})
    transform.yield
  }}
}}
""")
    pipeline = (
        "builtin.module(transform-preload-library{transform-library-paths="
        f"{folder}/tile.mlir}},transform-interpreter)"
    )
    done = subprocess.run(
        [tool("et-opt"), folder / "module.mlir", f"--pass-pipeline={pipeline}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("build", [scores, grouped_matmul, combine])
@pytest.mark.parametrize("seed", SEEDS)
def test_tiles_match_whole(seed, build, tmp_path):
    rng = np.random.default_rng(5000 + seed)
    p = TiledProgram(rng)
    shape = build(rng, p)
    sizes = [int(rng.integers(0, size + 3)) for size in shape]
    if not any(sizes):
        sizes[0] = 1
    module = p.module()
    whole = run(module, p.arrays, p.results, "reference")
    module = tiled(module, f"et.{build.__name__}", sizes, tmp_path)
    assert "scf.for" in module, f"seed {seed}: no tile of {sizes}\n{module}"
    tiles = run(module, p.arrays, p.results, "reference")
    for one, other in zip(whole, tiles, strict=True):
        assert one.tobytes() == other.tobytes(), (
            f"seed {seed}: tiles of {sizes} give other bits\n{module}"
        )
