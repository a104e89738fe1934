# ===- test_gpu_waves.py - layers whose pairs exceed their buffers ----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers with buffers for some of their pairs, on the emulator.

A layer with room for every pair is compared with NumPy. With room for P pairs, the
same layer must give the same bits, whether that is enough or takes a hundred waves,
in four launches. A failure prints the seed.
"""

import numpy as np

import et_emulated
from et_layers import ACTIVATIONS, GATES, random_layer, random_matrix_layer
from et_reference import Threshold
from test_gpu_emulated import check_one, on_each_chip, run_output


def rate_of(rows, layer):
    """A rate, without slack, by which there is room for so many pairs."""
    return (rows - 0.5) / (layer.sizes["T"] * layer.sizes["E"])


def saves_memory(layer, rows):
    """Whether the rows that are not there take more than the sums of waves."""
    size = layer.arrays["x"].itemsize
    left_out = layer.sizes["T"] * layer.sizes["E"] - rows
    saved = left_out * (layer.sizes["D"] + layer.sizes["F"]) * size
    is_static = set("DEF") <= set(layer.static)
    sums = layer.sizes["T"] * layer.sizes["D"] * 4
    return size == 4 or not is_static or saved > sums


def output(layer, chip, monkeypatch):
    """The layer's output, and the kernels that were launched for it."""
    launched = []
    monkeypatch.setattr(et_emulated, "launched", launched)
    y = run_output(layer, chip)
    return y, launched[: len(launched) // len(et_emulated.SCHEDULES)]


def check_rooms(layer, chip, seed, monkeypatch, rooms):
    """The bits of the layer with each of the rooms, of which `rooms` is a function of
    the number of pairs."""
    layer.rate = 0.0
    whole, _ = output(layer, chip, monkeypatch)
    results = check_one(layer, chip, seed)
    assert results[0].tobytes() == whole.tobytes(), f"seed {seed}, {chip}\n  {layer}"
    pairs = int(np.unpackbits(results[2].view(np.uint8)).sum())
    most = layer.sizes["T"] * layer.sizes["E"]
    for rows in rooms(pairs):
        rows = max(1, min(rows, most - 1))
        layer.rate = rate_of(rows, layer)
        y, kernels = output(layer, chip, monkeypatch)
        assert y.tobytes() == whole.tobytes(), (
            f"seed {seed}, {chip}, {pairs} pairs, room for {rows}\n  {layer}"
        )
        assert len(kernels) == 4, kernels
        is_limited = "combine_waves" in kernels[-1]
        assert is_limited == saves_memory(layer, rows), f"room for {rows}\n  {layer}"


def threshold_layer(make, seed, **fixed):
    """Every activation and gate comes up in turn."""
    rng = np.random.default_rng(seed)
    layer = make(rng, **fixed)
    while not isinstance(layer.routing, Threshold):
        layer = make(rng, **fixed)
    layer.routing = Threshold(str(rng.choice(["gt", "ge"])), GATES[seed % len(GATES)])
    layer.activation = ACTIVATIONS[seed % len(ACTIVATIONS)]
    layer.schedule = "grouped"
    return layer


@on_each_chip(range(7000, 7009))
def test_waves_of_the_matrix_units(seed, chip, monkeypatch):
    """Two and three waves; an expert in several of them."""
    fixed = {"T": 30 + 7 * (seed % 13), "E": 5 + seed % 5}
    layer = threshold_layer(random_matrix_layer, seed, **fixed)
    check_rooms(layer, chip, seed, monkeypatch, lambda s: [-(-s // 2), -(-s // 3)])


@on_each_chip(range(7050, 7053), core=[7050])
def test_many_waves(seed, chip, monkeypatch):
    """Of a prime number of rows, and no multiple of a tile's."""
    sizes = {"T": 50, "E": 6, "D": 40, "F": 72, "G": 24}
    layer = threshold_layer(random_matrix_layer, seed, **sizes)
    check_rooms(layer, chip, seed, monkeypatch, lambda s: [7, 37])


@on_each_chip(range(7100, 7106))
def test_waves_of_multiply_adds(seed, chip, monkeypatch):
    """Elements of 32 bits, and widths that fill no access."""
    layer = threshold_layer(
        random_layer, seed, storage="f32" if seed % 3 else "bf16", T=45, E=5
    )
    check_rooms(layer, chip, seed, monkeypatch, lambda s: [-(-s // 2), 11])


@on_each_chip(range(7200, 7203), core=[7202])
def test_as_many_rows_as_pairs(seed, chip, monkeypatch):
    """One pair too many, exactly enough, and one row too many."""
    layer = threshold_layer(random_matrix_layer, seed, T=40, E=6, special="plain")
    check_rooms(layer, chip, seed, monkeypatch, lambda s: [s - 1, s, s + 1])


@on_each_chip(range(7300, 7304), core=[7300, 7301])
def test_extremes(seed, chip, monkeypatch):
    """No pair, every pair, and a row at a time."""
    special = ["no pair", "all pairs"][seed % 2]
    layer = threshold_layer(
        random_matrix_layer, seed, T=9, E=5, D=16, F=24, G=16, special=special
    )
    check_rooms(layer, chip, seed, monkeypatch, lambda s: [1, 3])


@on_each_chip(range(7400, 7403), core=[7402])
def test_other_rules(seed, chip, monkeypatch):
    """Rules that compare scores have a room as well, but for top k, which has a bound."""
    rng = np.random.default_rng(seed)
    layer = random_matrix_layer(rng, T=33, E=6)
    while isinstance(layer.routing, Threshold):
        layer = random_matrix_layer(rng, T=33, E=6)
    whole, _ = output(layer, chip, monkeypatch)
    layer.rate = rate_of(10, layer)
    y, kernels = output(layer, chip, monkeypatch)
    assert y.tobytes() == whole.tobytes(), f"seed {seed}, {chip}\n  {layer}"
    is_limited = any("combine_waves" in name for name in kernels)
    assert is_limited == (type(layer.routing).__name__ != "TopK"), kernels


@on_each_chip(range(7500, 7503))
def test_memory(seed, chip, monkeypatch):
    """To the byte: rows of hidden units and outputs that are not there, for sums of f32
    and two counters of 8 bytes."""
    tokens, experts, width, hidden, rows = 96, 8, 64, 128, 150
    layer = threshold_layer(
        random_matrix_layer, seed, T=tokens, E=experts, D=width, F=hidden
    )
    whole, _ = output(layer, chip, monkeypatch)
    before = et_emulated.peak_bytes
    layer.rate = rate_of(rows, layer)
    y, _ = output(layer, chip, monkeypatch)
    assert y.tobytes() == whole.tobytes(), f"seed {seed}, {chip}\n  {layer}"
    saved = (tokens * experts - rows) * (hidden + width) * 2
    needed = tokens * width * 4 + 16
    assert before - et_emulated.peak_bytes == saved - needed, f"{layer}"
