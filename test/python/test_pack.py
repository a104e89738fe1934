# ===- test_pack.py - packed weights against NumPy --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""et.pack bit by bit, and products of packed weights within their bounds.

Layouts are those that vectors fit, and odd ones. Whole layers are compiled to take
packed weights, for several processors, and get what their packing function returns.
"""

import numpy as np
import pytest

import et_reference as ref
from et_bounds import ffn_with_error, matmul_with_error
from et_cases import short_form
from et_compare import check, check_layer
from et_compiled import compiled
from et_layers import ACTIVATIONS, in_turn, module, random_layer
from et_processors import skip_unless_runs, x86_only
from et_program import Program
from et_reference import FP8, STORAGE
from et_tools import run
from test_layers import by_layer
from test_ops import check_rows, normal, random_case

LAYOUTS = [
    (64, 1, 1),
    (32, 1, 1),
    (32, 2, 2),
    (64, 2, 32),
    (128, 2, 32),
    (16, 4, 8),
    (5, 3, 6),
    (1, 1, 4),
]


def attribute(layout):
    columns, interleave, step = layout
    return f"#et.panels<columns = {columns}, interleave = {interleave}, step = {step}>"


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(range(16), range(len(LAYOUTS))))
def test_pack(seed, target):
    rng = np.random.default_rng(7000 + seed)
    layout = LAYOUTS[seed % len(LAYOUTS)]
    storage = in_turn([*STORAGE.values(), FP8], seed)
    experts, depth = int(rng.integers(1, 5)), int(rng.integers(0, 50))
    width = int(rng.choice([0, 1, 64, 256, int(rng.integers(2, 300))]))
    w = normal(rng, (experts, depth, width), storage)
    w[rng.random(w.shape) < 0.02] = np.inf
    expected = ref.pack(w, *layout)

    p = Program(rng)
    garbage = normal(rng, expected.shape, storage)
    p.op(f"et.pack {attribute(layout)} ins({p.operands(w)})", garbage)
    (packed,) = run(p.module(), p.arrays, p.results, target, threads=2)
    where = f"seed {seed}, {layout}, {w.shape}, {w.dtype}"
    assert packed.shape == expected.shape, where
    check(packed.view(f"u{w.itemsize}") != expected.view(f"u{w.itemsize}"), packed,
          expected, where)  # fmt: skip


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(range(16), range(len(LAYOUTS))))
def test_products(seed, target):
    rng = np.random.default_rng(7100 + seed)
    chosen, plan, rows = random_case(rng)
    tokens, experts = chosen.shape
    layout = LAYOUTS[seed % len(LAYOUTS)]
    storage = in_turn(STORAGE.values(), seed)
    d, f = int(rng.integers(1, 80)), int(rng.integers(1, 150))
    act = in_turn(ACTIVATIONS, seed)
    offsets = ref.offsets(chosen)
    x = normal(rng, (tokens, d), storage)

    def maybe(*shape):
        return normal(rng, (experts, *shape), storage) if rng.random() < 0.5 else None

    w = normal(rng, (experts, d, f), storage, d**-0.5)
    gated = in_turn((False, True), seed)
    wg = normal(rng, w.shape, storage, d**-0.5) if gated else None
    bias, gate_bias = maybe(f), maybe(f) if wg is not None else None
    initial = normal(rng, (len(plan), f), np.float32)

    p = Program(rng)
    gate = None if wg is None else ref.pack(wg, *layout)
    p.op(
        f"et.grouped_matmul {act} ins({p.operands(x, ref.pack(w, *layout))}) "
        f"panels({attribute(layout)}) "
        f"offsets({p.operands(offsets)}) tokens({p.operands(plan)}) "
        f"{p.clause('bias', bias)} {p.clause('gate', gate)} "
        f"{p.clause('gate_bias', gate_bias)}",
        initial,
    )
    (result,) = run(p.module(), p.arrays, p.results, target, threads=2)
    parts = []
    for e in range(experts):
        one = [None if a is None else a[e] for a in (w, bias, wg, gate_bias)]
        own = x[plan[offsets[e] : offsets[e + 1]]]
        parts.append(matmul_with_error(act, own, *one))
    value, error = (np.concatenate(part) for part in zip(*parts, strict=True))
    where = (
        f"seed {seed}, {layout}, {act}, {tokens} tokens, {experts} experts, {d} x {f}"
    )
    check_rows(result, value, error, initial, where)


def packed_layers(layers, processor):
    """The results of layers whose weights are packed once, for two calls: packed weights
    are read, never written."""
    text = module(layers, weights=True)
    library = compiled(text, f"--march={processor}", "--pack-weights").library
    arrays = {
        f"l{i}_{name}": array
        for i, layer in enumerate(layers)
        for name, array in layer.arrays.items()
    }

    def arguments(name):
        function = library.function(name)
        return function.args[: function.num_args]

    rows = [arrays[v.weight.decode()] for v in arguments("main_pack")]
    packed = library.pack("main", *rows)
    rest = iter(packed)
    mixed = [
        next(rest) if v.packed_by else arrays[v.name.decode()]
        for v in arguments("main")
    ]
    assert next(rest, None) is None
    first, again = (library.call("main", *mixed) for _ in range(2))
    for tensor in packed:
        library.release(tensor)
    for one, two in zip(first, again, strict=True):
        assert one.tobytes() == two.tobytes(), f"{processor}: two calls differ"
    return by_layer(first)


@x86_only
@pytest.mark.parametrize("processor", ["native", "x86-64", "x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("first", short_form(range(7200, 7216, 4), [7200]))
def test_layers(first, processor):
    skip_unless_runs(processor)
    layers = [random_layer(np.random.default_rng(first + i)) for i in range(4)]
    for layer in layers:
        layer.static = "DEFG" + ("T" if "T" in layer.static else "")
    for i, results in enumerate(packed_layers(layers, processor)):
        check_layer(layers[i], results, where=f"seed {first + i}, {processor}")


def rearranged_module(d, f, storage, alternates):
    """A dense SwiGLU layer whose weights lie as in a checkpoint: rows are outputs, and
    gate and up are the halves of one tensor, or its columns in turn."""
    gate, up = ("0, 0, 0", "0, 0, 1") if alternates else ("0, 0, 0", f"0, 0, {f}")
    step = 2 if alternates else 1
    x, both, wide = (
        f"?x{d}x{storage}",
        f"1x{2 * f}x{d}x{storage}",
        f"1x{d}x{2 * f}x{storage}",
    )
    w, down, w2 = f"1x{d}x{f}x{storage}", f"1x{d}x{f}x{storage}", f"1x{f}x{d}x{storage}"
    part = f"[1, {d}, {f}] [1, 1, {step}] : tensor<{wide}> to tensor<{w}>"
    return f"""
func.func @main(%x: tensor<{x}> {{et.name = "x"}}, %gate_up: tensor<{both}> {{et.weight = "gate_up"}},
                %down: tensor<{down}> {{et.weight = "down"}}) -> tensor<{x}> {{
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<{x}>
  %wide = tensor.empty() : tensor<{wide}>
  %t = linalg.transpose ins(%gate_up : tensor<{both}>) outs(%wide : tensor<{wide}>) permutation = [0, 2, 1]
  %gate = tensor.extract_slice %t[{gate}] {part}
  %up = tensor.extract_slice %t[{up}] {part}
  %e2 = tensor.empty() : tensor<{w2}>
  %w2 = linalg.transpose ins(%down : tensor<{down}>) outs(%e2 : tensor<{w2}>) permutation = [0, 2, 1]
  %init = tensor.empty(%rows) : tensor<{x}>
  %y = et.expert_ffn silu ins(%x, %up, %w2 : tensor<{x}>, tensor<{w}>, tensor<{w2}>)
    gate(%gate : tensor<{w}>) outs(%init : tensor<{x}>)
  return %y : tensor<{x}>
}}
"""


@x86_only
@pytest.mark.parametrize("alternates", [False, True])
@pytest.mark.parametrize("storage", STORAGE)
def test_rearranged_weights(storage, alternates):
    """They are packed once from where they lie: a call reads packed ones alone."""
    rng = np.random.default_rng(7300)
    tokens, d, f = 9, 40, 70
    x = normal(rng, (tokens, d), STORAGE[storage])
    gate_up = normal(rng, (1, 2 * f, d), STORAGE[storage], d**-0.5)
    down = normal(rng, (1, d, f), STORAGE[storage], f**-0.5)
    text = rearranged_module(d, f, storage, alternates)
    library = compiled(text, "--march=native", "--pack-weights").library

    def names(function, what):
        entry = library.function(function)
        found = (getattr(v, what) for v in entry.args[: entry.num_args])
        return [name.decode() for name in found if name]

    assert names("main_pack", "weight") == ["gate_up", "down"]
    weights = names("main", "weight")
    assert len(set(weights)) == 3, weights
    assert all(".panels_" in name for name in weights), weights
    packed = library.pack("main", gate_up, down)
    (found,) = library.call("main", x, *packed)
    # Unpacked, a call makes the copies.
    (plain,) = run(text, [x, gate_up, down], [storage], "cpu")
    w = gate_up.transpose(0, 2, 1)[0]
    gate, up = (w[:, ::2], w[:, 1::2]) if alternates else (w[:, :f], w[:, f:])
    value, error = ffn_with_error("silu", x, up, down[0].T, wg=gate)
    for result, where in ((found, "packed"), (plain, "in rows")):
        check_rows(result, value, error, np.zeros_like(x), f"{storage}, {where}")
    for tensor in packed:
        library.release(tensor)
