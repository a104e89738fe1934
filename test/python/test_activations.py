# ===- test_activations.py - formulas, derivatives and gated forms ----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Every activation's value and derivatives, layers with those of two products, and
epilogues of products."""

import subprocess

import numpy as np
import pytest

import et_reference as ref
from et_bounds import FUNCTION, U, violations
from et_cases import short_form
from et_compare import check, check_layer
from et_compiled import compiled, tool
from et_emulated import CHIPS
from et_layers import ACTIVATIONS, in_turn, random_layer, random_matrix_layer
from et_program import Program
from et_tools import run
from test_gpu_emulated import check_one
from test_gpu_one_launch import one_launch_layer
from test_gpu_waves import check_rooms, threshold_layer
from test_layers import run_batch
from test_ops import normal, random_case
from test_pack import packed_layers

GATED = [
    "clamped_swiglu<limit = 0.5>",
    "swiglu_oss<alpha = 1.702, limit = 0.75>",
]

# ---------------------------------------------------------------------------
# Derivatives
# ---------------------------------------------------------------------------


def program(forms):
    """A function of two arrays that returns each form's value and derivatives."""
    body, results = [], []
    for k, (act, gated) in enumerate(forms):
        count = 3 if gated else 2
        inputs = ["%g", "%u"][: count - 1]
        vector = "tensor<?xf32>"
        maps = ", ".join(["affine_map<(i) -> (i)>"] * (len(inputs) + count))
        outs = ", ".join(["%empty"] * count)
        inner = ", ".join(f"%i{i}: f32" for i in range(len(inputs)))
        outer = ", ".join(f"%o{i}: f32" for i in range(count))
        scalars = ", ".join(["f32"] * count)
        body.append(f"""
  %r{k}:{count} = linalg.generic
      {{indexing_maps = [{maps}], iterator_types = ["parallel"]}}
      ins({", ".join(inputs)} : {", ".join([vector] * len(inputs))})
      outs({outs} : {", ".join([vector] * count)}) {{
  ^bb0({inner}, {outer}):
    %v:{count} = "test.activation"({", ".join(f"%i{i}" for i in range(len(inputs)))})
      {{activation = #et.{act}}} : ({", ".join(["f32"] * len(inputs))}) -> ({scalars})
    linalg.yield {", ".join(f"%v#{i}" for i in range(count))} : {scalars}
  }} -> ({", ".join([vector] * count)})""")
        results += [f"%r{k}#{i}" for i in range(count)]
    types = ", ".join(["tensor<?xf32>"] * len(results))
    return f"""
func.func @main(%g: tensor<?xf32>, %u: tensor<?xf32>) -> ({types}) {{
  %zero = arith.constant 0 : index
  %n = tensor.dim %g, %zero : tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>{"".join(body)}
  return {", ".join(results)} : {types}
}}
"""


def test_derivatives():
    """Against differences of the f64 formula, on both sides of each bound, and far out,
    where exp(-r) is no f32."""
    forms = [(act, gated) for act in ACTIVATIONS for gated in (False, True)]
    forms += [(act, True) for act in GATED]
    command = [tool("et-test-opt"), "--allow-unregistered-dialect"]
    done = subprocess.run(
        [*command, "--test-emit-activations"],
        input=program(forms),
        capture_output=True,
        text=True,
        check=True,
    )
    rng = np.random.default_rng(5)
    far = [-200.0, -90.0, -20.0, -3.0, 3.0, 20.0, 90.0, 200.0]
    gate = np.concatenate([far, rng.uniform(-4, 4, 500)]).astype(np.float32)
    up = np.concatenate([far[::-1], rng.uniform(-2, 2, 500)]).astype(np.float32)
    results = iter(compiled(done.stdout, "--march=native").call(gate, up))

    def value(act, gated, g, u):
        return ref.gated(act, g, u) if gated else ref.activation(act, g)

    step = 2.0**-18
    for act, gated in forms:
        g, u = ref.f64(gate), ref.f64(up)
        size = 1 + np.abs(g) * (1 + np.abs(u)) + np.abs(u)
        expected = [value(act, gated, g, u)]
        for dg, du in [(step, 0.0), (0.0, step)][: 1 + gated]:
            above, below = (value(act, gated, g + s * dg, u + s * du) for s in (1, -1))
            expected.append((above - below) / (2 * step))
        for what, wanted in zip(("value", "by gate", "by up"), expected, strict=False):
            found = next(results)
            # Those of differences are below 2^-25 of what is summed.
            bad = ~(np.abs(found - wanted) <= 64 * U * size * (1 + np.abs(g)))
            check(bad, found, wanted, f"{act}, gated {gated}: {what}")
    assert not list(results)


# ---------------------------------------------------------------------------
# Layers
# ---------------------------------------------------------------------------


def with_gate(make, seed, **fixed):
    """A layer that has a gate, with one of the activations that need one."""
    for attempt in range(seed, seed + 1000, 50):
        layer = make(np.random.default_rng(attempt), **fixed)
        if "gate" in layer.arrays:
            layer.activation = GATED[seed % len(GATED)]
            return layer
    raise AssertionError(f"seed {seed}: no layer with a gate")


@pytest.mark.parametrize("target", ["reference", "cpu", "packed"])
def test_layers_match_numpy(target):
    layers = [
        with_gate(random_layer, seed, storage=storage, work=1e6)
        for seed in (8000, 8001)
        for storage in ref.STORAGE
    ]
    if target == "packed":
        for layer in layers:
            layer.static = "DEFG" + ("T" if "T" in layer.static else "")
        results = packed_layers(layers, "native")
    else:
        results = run_batch(layers, target)
    for layer, found in zip(layers, results, strict=True):
        check_layer(layer, found)


# With each chip once in the short form, and each schedule.
CASES = [
    (schedule, chip, seed)
    for k, schedule in enumerate(["grouped", "one_launch", "waves"])
    for seed, chip in enumerate(CHIPS[k:] + CHIPS[:k], 8100 + k)
]


@pytest.mark.parametrize(("schedule", "chip", "seed"), short_form(CASES, CASES[::3]))
def test_layers_on_gpus(schedule, chip, seed, monkeypatch):
    if schedule == "one_launch":
        layer = with_gate(
            lambda rng, **how: one_launch_layer(int(rng.integers(1e6)), T=9, **how),
            seed,
        )
        check_one(layer, chip, seed)
    elif schedule == "waves":
        layer = with_gate(
            lambda rng, **how: threshold_layer(
                random_matrix_layer, int(rng.integers(1e6)), **how
            ),
            seed,
            T=40,
            E=6,
        )
        check_rooms(layer, chip, seed, monkeypatch, lambda pairs: [-(-pairs // 2)])
    else:
        layer = with_gate(random_matrix_layer, seed, T=70, E=5)
        check_one(layer, chip, seed)


# ---------------------------------------------------------------------------
# Epilogues
# ---------------------------------------------------------------------------


def steps(value, kind, result):
    """tanh(max(value / 2, 1/4)), on numbers or on tensors."""
    return f"""
  %s = arith.mulf {value}, %half : {kind}
  %m = arith.maximumf %s, %quarter : {kind}
  {result} = math.tanh %m : {kind}"""


def as_region(element):
    """These of what the product stores where its result is of `element`."""
    value, rounding = "%v", ""
    if element != "f32":
        value = "%stored"
        rounding = f"""
  %rounded = arith.truncf %v : f32 to {element}
  %stored = arith.extf %rounded : {element} to f32"""
    return f""" epilogue(%v) {{{rounding}
  %half = arith.constant 0.5 : f32
  %quarter = arith.constant 0.25 : f32{steps(value, "f32", "%t")}
  et.yield %t
}}"""


def as_tensor_ops(product, columns, element, result):
    """The same around a product, which --et-fuse-epilogues is to move into it."""
    narrow, wide = (f"tensor<?x{columns}x{e}>" for e in (element, "f32"))
    value, widened = "%p", ""
    if element != "f32":
        value, widened = "%f", f"%f = arith.extf %p : {narrow} to {wide}"
    return f"""%e = tensor.empty(%rows) : {narrow}
  %p = {product} outs(%e : {narrow})
  {widened}
  %h = arith.constant 0.5 : f32
  %q = arith.constant 0.25 : f32
  %half = tensor.splat %h[%rows] : {wide}
  %quarter = tensor.splat %q[%rows] : {wide}{steps(value, wide, result)}"""


EPILOGUE_CASES = [
    (target, seed)
    for target in ("reference", "cpu", *CHIPS)
    for seed in range(8200, 8208)
]
# A processor with each seed, a chip with every other one.
EPILOGUE_CORE = [(t, s) for t, s in EPILOGUE_CASES if not t.startswith("sm_") or s % 2]


@pytest.mark.parametrize(("target", "seed"), short_form(EPILOGUE_CASES, EPILOGUE_CORE))
def test_epilogues(target, seed):
    """A product without epilogue, one with, and one that becomes the latter. Weights are
    packed or not, and sizes such that matrix units can take them, or not."""
    rng = np.random.default_rng(seed)
    element = in_turn(list(ref.STORAGE), seed)
    storage = ref.STORAGE[element]
    chosen, plan, rows = random_case(rng)
    while not rows:
        chosen, plan, rows = random_case(rng)
    (tokens, experts), offsets = chosen.shape, ref.offsets(chosen)
    d, f = (64, 128) if seed % 4 < 2 else (int(n) for n in rng.integers(1, 50, 2))
    act = [*GATED, *ACTIVATIONS][seed % 8]
    x = normal(rng, (tokens, d), storage)
    bias = normal(rng, (experts, f), storage)
    weights = [normal(rng, (experts, d, f), storage, d**-0.5) for _ in range(2)]
    panels = ""
    if not target.startswith("sm_") and seed % 2:
        weights = [ref.pack(w, 32, 1, 1) for w in weights]
        panels = "panels(#et.panels<columns = 32, interleave = 1, step = 1>)"

    p = Program(rng)
    lhs, rhs, gate, size, list_of_tokens, biases = (
        p.argument(a) for a in (x, *weights, offsets, plan, bias)
    )
    product = (
        f"et.grouped_matmul {act} ins({lhs[0]}, {rhs[0]} : {lhs[1]}, {rhs[1]}) "
        f"{panels} offsets({' : '.join(size)}) tokens({' : '.join(list_of_tokens)}) "
        f"bias({' : '.join(biases)}) gate({' : '.join(gate)})"
    )
    p.op(product, np.zeros((len(plan), f), storage))
    p.op(product, np.zeros((len(plan), f), np.float32))
    p.body[-1] += as_region(element)
    p.body.append("%zero = arith.constant 0 : index")
    p.body.append(f"%rows = tensor.dim %r0, %zero : {p.types[0]}")
    p.body.append(as_tensor_ops(product, f, element, "%r2"))
    p.results.append("f32")
    p.types.append(f"tensor<?x{f}xf32>")
    found = run(p.module(), p.arrays, p.results, target)

    stored, *others = (result[:rows] for result in found)
    assert np.any(stored != 0)
    expected = np.tanh(np.maximum(ref.f64(stored) / 2, 0.25))
    for what, result in zip(("region", "fused"), others, strict=True):
        bad = violations(result, expected, FUNCTION * np.abs(expected))
        check(bad, result, expected, f"{target}, seed {seed}, {act}, {element}: {what}")
