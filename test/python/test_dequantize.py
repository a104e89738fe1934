# ===- test_dequantize.py - layers of weights that et.dequantize makes ------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Weights in formats, on CPUs and the emulated GPU: as values, in products, in layers.

A failure prints the seed.
"""

import numpy as np
import pytest

import et_emulated
from et_bounds import gamma, matrix_gamma
from et_cases import short_form
from et_compare import check, check_layer
from et_compiled import BUILD
from et_formats import HALF_BYTES, PER_COLUMN, STORED, Blocks
from et_layers import in_turn, module, random_layer, random_matrix_layer, with_format
from et_program import Program
from et_reference import STORAGE
from et_tools import run
from test_gpu_emulated import WORK, on_each_chip, run_output
from test_layers import run_batch
from test_ops import normal
from test_pack import packed_layers

TARGETS = ["reference", "cpu", *et_emulated.CHIPS]
FORMATS = [PER_COLUMN, Blocks("i8", 64, 1), Blocks("f8E4M3FN", None, 1)]
FORMATS += [
    Blocks("i4", 32, 1),
    Blocks("f4E2M1FN", 16, 1),
    Blocks("f8E4M3FN", None, None),
]


def every_value(element):
    """[1, 8, N]: all values in the first row, and zeros."""
    stored = np.zeros((1, 8, 256), np.uint8)
    stored[0, 0] = np.arange(256)
    return stored.view(STORED[element])


def same(found, expected):
    return (found == expected) | (np.isnan(found) & np.isnan(expected))


@pytest.mark.parametrize("element", STORED)
@pytest.mark.parametrize("target", TARGETS)
def test_every_value(target, element):
    """A product with a one and zeros is a weight times its scale."""
    kind, stored = Blocks(element, None, 1), every_value(element)
    width = 256 * (2 if element in HALF_BYTES else 1)
    scales = np.ones((1, 1, width), np.float32)
    scales[..., ::3] = 2.0**-20
    x = np.zeros((1, 8), STORAGE["bf16"])
    x[0, 0] = 1
    p = Program(np.random.default_rng(1), static=1.0)
    out = np.zeros((1, width), np.float32)
    p.op(
        f"et.grouped_matmul none ins({p.operands(x, stored)}) "
        f"format({kind.attribute}) {p.clause('scales', scales)}",
        out,
    )
    found = run(p.module(), p.arrays, p.results, target)[0][0]
    expected = kind.values(stored, scales, width)[0, 0].astype(np.float32)
    wrong = np.flatnonzero(~same(found, expected))
    assert not wrong.size, (wrong, found[wrong], expected[wrong])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("target", TARGETS)
def test_op(target, seed):
    """By itself, with zero points and without: f32, rounded once."""
    rng = np.random.default_rng(seed)
    kind = FORMATS[seed % len(FORMATS)]
    shape = tuple(int(n) for n in (rng.integers(1, 4), *rng.integers(1, 70, 2)))
    stored, scales = kind.random(rng, shape), kind.random_scales(rng, shape)
    zeros = np.round(normal(rng, scales.shape, np.float32) * 4) if seed % 2 else None
    out = np.zeros(shape, in_turn(STORAGE.values(), seed))
    p = Program(rng)
    p.op(
        f"et.dequantize {kind.attribute} ins({p.operands(stored, scales)}) "
        f"{p.clause('zero_points', zeros)}",
        out,
    )
    (found,) = run(p.module(), p.arrays, p.results, target)
    numbers = kind.numbers(stored, shape[2]).astype(np.float32)
    ones = np.ones(shape, np.float32)
    if zeros is not None:
        numbers = numbers - kind.values_of_blocks(ones, zeros)
    expected = (numbers * kind.values_of_blocks(ones, scales)).astype(out.dtype)
    wrong = ~same(found.astype(np.float32), expected.astype(np.float32))
    check(wrong, found, expected, f"seed {seed}, {target}")


def layer_of(seed, base=random_layer, **how):
    rng = np.random.default_rng(9000 + seed)
    kind = FORMATS[seed % len(FORMATS)]
    layer = base(rng, **how)
    # The columns of elements with several are known with the elements only.
    if kind.element in HALF_BYTES:
        layer.static = "DEFG" + layer.static
    return with_format(rng, layer, kind)


def check_one(layer, found, where, sums=gamma):
    check_layer(layer, found, layer.format.gamma(sums), f"{where}, {layer.format}")


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("first", short_form(range(0, 36, 6), [0]))
def test_layers_match_numpy(first, target):
    layers = [layer_of(seed, work=2e6) for seed in range(first, first + 6)]
    for layer, found in zip(layers, run_batch(layers, target), strict=True):
        check_one(layer, found, f"seeds from {first}, {target}")


def test_packed_layers():
    """Weights of a byte are packed, once; those of half of one are read in rows."""
    layers = [layer_of(seed, work=2e6) for seed in (0, 1, 2, 5)]
    for layer in layers:
        layer.static = "DEFG" + layer.static
    for layer, found in zip(layers, packed_layers(layers, "native"), strict=True):
        check_one(layer, found, "packed")


@on_each_chip(range(18), core=range(6))
def test_emulated_layer(seed, chip):
    layer = layer_of(seed, work=WORK, T=seed % 5 * 13, E=1 + seed % 4)
    sums = gamma if layer.storage == "f32" else matrix_gamma
    check_one(layer, run_batch([layer], chip)[0], f"seed {seed}, {chip}", sums)


@pytest.mark.parametrize("seed", short_form(range(200, 224), range(200, 206)))
def test_warpgroups(seed, monkeypatch):
    """Bytes with one scale a column go through the registers of warpgroups."""
    rng = np.random.default_rng(seed)
    monkeypatch.setenv("ET_EMU_PROCESSORS", str(int(rng.integers(1, 8))))
    sizes = {width: 16 * int(rng.integers(1, 20)) for width in "DF"}
    sizes |= {"T": 1 + seed % 10 * 8 + int(rng.integers(8)), "E": 1 + seed % 3}
    kinds = [PER_COLUMN, Blocks("i8", 128, 64), Blocks("f8E4M3FN", None, 1)]
    kinds += [Blocks("i8", 256, 1), Blocks("i8", None, None)]
    layer = random_matrix_layer(rng, special="plain", **sizes)
    layer = with_format(rng, layer, in_turn(kinds, seed))
    monkeypatch.setattr(et_emulated, "launched", [])
    results = run_batch([layer], "sm_90a")[0]
    check_one(layer, results, f"seed {seed}", matrix_gamma)
    assert any("sm90" in name for name in et_emulated.launched), et_emulated.launched
    assert run_output(layer, "sm_90a").tobytes() == results[0].tobytes()


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80"])
def test_foreign_format(target):
    """One of test/lib/ForeignDialect.cpp, a library of its own: bytes from 128 on."""
    rng = np.random.default_rng(31)
    layer = with_format(rng, random_layer(rng, WORK, T=21, E=3), PER_COLUMN)
    text = module([layer]).replace(PER_COLUMN.attribute, "#foreign.offset_bytes")
    assert "#foreign" in text
    arrays = [
        a ^ np.int8(-128) if a.dtype == np.int8 else a for a in layer.arrays.values()
    ]
    plugin = f"--load-dialect-plugin={BUILD / 'lib' / 'ETForeignDialect.so'}"
    kinds = (layer.storage, "f32", "i32", "f32")
    found = run(text, arrays, kinds, target, options=(plugin,))
    sums = gamma if layer.storage == "f32" else matrix_gamma
    check_one(layer, found, f"foreign, {target}", sums)
