# ===- test_scaled_kernels.py - kernels that read weights of 8 bits ----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Products of weights with scales on CPUs, in rows and packed.

K and N run over several blocks of scales and end anywhere in one, loads are skewed so
that an expert has no row, a few, or more than a tile has. Some weights are NaN: all of
their column is, and nothing else. Every layout runs with one and two threads, which
must agree bit for bit, and for lesser processors.
"""

from itertools import product

import numpy as np
import pytest

import et_reference as ref
from et_bounds import gamma, matmul_with_error
from et_cases import short_form
from et_compare import check
from et_formats import DEFAULT, HALF_BYTES, PER_COLUMN, Blocks
from et_layers import ACTIVATIONS, in_turn
from et_processors import skip_if_less, skip_unless_runs, x86_only
from et_program import Program
from et_reference import STORAGE, f64
from et_tools import run
from test_fp8 import check_one, fp8_layer
from test_layers import run_batch
from test_ops import check_rows, normal
from test_pack import attribute, packed_layers
from test_packed_kernels import random_loads

# Columns, interleave, step; None is in rows. Panels of 48 columns end inside blocks of
# scales; one layout is one that no vector fits. Where K is interleaved by 2, rows of
# bf16 are multiplied in pairs if the processor can.
LAYOUTS = [None, (64, 1, 1), None, (32, 1, 1), (48, 1, 4), None, (128, 1, 1), (5, 3, 6)]
LAYOUTS += [(64, 2, 2), (32, 2, 4), (128, 2, 2), (16, 2, 2)]
# They take turns, and rounds of the layouts with them have the default. Of the last ones, one has blocks that no
# step of K divides, one blocks that no vector divides, and two have two weights a byte.
FORMATS = [PER_COLUMN, Blocks("f8E4M3FN", 32, 1), Blocks("i8", None, None)]
FORMATS += [Blocks("f8E4M3FN", 16, 64), Blocks("i8", 256, 16), Blocks("i8", 64, 1)]
FORMATS += [Blocks("f8E4M3FN", None, 32), Blocks("i8", 24, 1), Blocks("i8", 128, 24)]
FORMATS += [Blocks("i4", 32, 1), Blocks("f4E2M1FN", 16, 1)]
PROCESSORS = ["x86-64", "x86-64-v3", "x86-64-v4", "icelake-server", "znver4"]
OTHERS = list(product(range(100, 124), PROCESSORS))
FORMS = list(product([False, True], PROCESSORS))


def format_of(seed):
    """Every second round of the layouts has the default, and meets each of them."""
    return DEFAULT if seed // len(LAYOUTS) % 2 else in_turn(FORMATS, seed)


class Case:
    def __init__(self, seed):
        rng = np.random.default_rng(9500 + seed)
        layout = LAYOUTS[seed % len(LAYOUTS)]
        storage = in_turn(STORAGE.values(), seed)
        if layout and layout[1] == 2 and rng.random() < 0.75:
            storage = STORAGE["bf16"]
        tokens = int(rng.choice([0, 1, int(rng.integers(2, 50)), 50]))
        experts = int(rng.integers(1, 4))
        edges = [1, 127, 128, 129, 256, *rng.integers(2, 420, 3)]
        d, f = int(rng.choice([0, *edges])), int(rng.choice([64, 192, *edges]))
        listed, gated = in_turn(product((False, True), repeat=2), seed)
        has_nan = d and rng.random() < 0.4
        act = "none" if has_nan else in_turn(ACTIVATIONS, seed)
        chosen = random_loads(rng, tokens, experts)
        offsets, plan = ref.offsets(chosen), ref.token_list(chosen)
        x = normal(rng, (tokens if listed else len(plan), d), storage, 2.0**-6)
        a = x[plan] if listed else x
        kind, shape = format_of(seed), (experts, d, f)
        if kind.element in HALF_BYTES:
            layout = None
        has_nan = has_nan and kind.element == "f8E4M3FN"
        w, scales = kind.random(rng, shape), kind.random_scales(rng, shape)
        wg = kind.random(rng, shape) if gated else None
        gate_scales = kind.random_scales(rng, shape) if gated else None
        bias = normal(rng, (experts, f), storage) if rng.random() < 0.5 else None
        gate_bias = bias[:, ::-1].copy() if gated and bias is not None else None
        self.bad = np.zeros((experts, f), bool)
        if has_nan:
            target = w if not gated or rng.random() < 0.5 else wg
            for byte in (0x7F, 0xFF):
                e, k, n = (int(rng.integers(size)) for size in w.shape)
                target.view(np.uint8)[e, k, n] = byte
                self.bad[e, n] = True
        out = storage if rng.random() < 0.5 else np.float32
        self.initial = normal(rng, (len(plan), f), out)

        def packed(array):
            return (
                array if layout is None or array is None else ref.pack(array, *layout)
            )

        clause = "" if kind == DEFAULT else f"format({kind.attribute})"
        p = self.program = Program(rng)
        p.op(
            f"et.grouped_matmul {act} ins({p.operands(x, packed(w))}) "
            f"{'' if layout is None else f'panels({attribute(layout)})'} "
            f"offsets({p.operands(offsets)}) "
            f"{p.clause('tokens', plan if listed else None)} "
            f"{p.clause('bias', bias)} {p.clause('gate', packed(wg))} "
            f"{p.clause('gate_bias', gate_bias)} {clause} "
            f"{p.clause('scales', scales)} "
            f"{p.clause('gate_scales', gate_scales)}",
            self.initial,
        )

        def values(stored, scales):
            if stored is None:
                return None
            return kind.values(np.where(np.isnan(f64(stored)), 0, stored), scales, f)

        clean, gate = values(w, scales), values(wg, gate_scales)
        sums = kind.gamma(gamma)
        parts, self.undefined = [], np.zeros((offsets[-1], f), bool)
        for e in range(experts):
            own = slice(offsets[e], offsets[e + 1])
            self.undefined[own] = self.bad[e]
            one = [None if v is None else v[e] for v in (clean, bias, gate, gate_bias)]
            parts.append(matmul_with_error(act, a[own], *one, sums))
        parts = zip(*parts, strict=True)
        self.value, self.error = (np.concatenate(part) for part in parts)
        loads = [int(n) for n in np.diff(offsets)]
        self.where = (
            f"seed {seed}, {storage.__name__}, {layout}, {kind}, {act}, {d} x {f}, loads "
            f"{loads}, listed {listed}, gated {gated}, NaN {np.argwhere(self.bad)}"
        )

    def check(self, result, where=""):
        where = self.where + where
        rows = len(self.undefined)
        check(np.isnan(result[:rows]) != self.undefined, result, self.value, where)
        defined = result.copy()
        value = np.where(self.undefined, 0, self.value)
        defined[:rows][self.undefined] = 0
        check_rows(defined, value, self.error, self.initial, where)


@pytest.mark.parametrize(
    "seed", short_form(range(96), [*range(len(LAYOUTS)), *range(13, 37, 3)])
)
def test_on_this_machine(seed):
    case = Case(seed)
    p = case.program
    one, two = (run(p.module(), p.arrays, p.results, "cpu", n)[0] for n in (1, 2))
    case.check(one)
    bits = f"u{one.itemsize}"
    check(one.view(bits) != two.view(bits), one, two, case.where + ": threads matter")


@x86_only
@pytest.mark.parametrize(("seed", "processor"), short_form(OTHERS, OTHERS[::4]))
def test_on_other_processors(seed, processor):
    case = Case(seed)
    p = case.program
    with skip_if_less(processor):
        (result,) = run(p.module(), p.arrays, p.results, processor)
    case.check(result, processor)


@x86_only
@pytest.mark.parametrize(("packed", "processor"), short_form(FORMS, FORMS[1::4]))
def test_layers(packed, processor):
    skip_unless_runs(processor)
    seeds = range(9600, 9604)
    layers = [fp8_layer(seed) for seed in seeds]
    for layer in layers:
        layer.static = "DEFG" + ("T" if "T" in layer.static else "")
    results = (packed_layers if packed else run_batch)(layers, processor)
    for seed, layer, found in zip(seeds, layers, results, strict=True):
        check_one(layer, found, f"seed {seed}, {processor}")
