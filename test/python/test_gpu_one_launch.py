# ===- test_gpu_one_launch.py - layers in one kernel -------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers of few tokens that run in one launch, on the emulator.

Outputs are compared with NumPy, and with the same layer's schedule of a kernel a
step: both must select the same pairs, also where a threshold is a score, bit for
bit. A failure prints the seed.
"""

import numpy as np
import pytest

import et_emulated
import test_gpu_matrix
from et_cases import short_form
from et_layers import (
    ACTIVATIONS,
    GATES,
    SPECIALS,
    in_turn,
    module,
    random_matrix_layer,
)
from et_reference import SCORING, Threshold, TopK, TopP
from test_gpu_emulated import check_one, on_each_chip, run_output
from test_layers import run_batch

# Used by each test here, too.
no_conflicts = test_gpu_matrix.no_conflicts

TOKENS = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32]


def choices(seed):
    """What takes turns: the number of tokens, type, special input, activation, gate."""
    turns = (TOKENS, ["f16", "bf16"], SPECIALS, ACTIVATIONS, GATES)
    return tuple(in_turn(values, seed) for values in turns)


def one_launch_layer(seed, **given):
    rng = np.random.default_rng(seed)
    tokens, storage, special, activation, gate = choices(seed)
    experts = int(rng.choice([8, 16, 24, 40]))
    fixed = {"T": tokens, "E": experts, "storage": storage, "special": special} | given
    layer = random_matrix_layer(rng, **fixed)
    while not isinstance(layer.routing, Threshold):
        layer = random_matrix_layer(rng, **fixed)
    layer.routing = Threshold(str(rng.choice(["gt", "ge"])), gate)
    layer.activation = activation
    layer.static += "E"
    layer.schedule = "one_launch"
    return layer


@on_each_chip(range(6000, 6066), lambda seed: enumerate(choices(seed)))
def test_layer_matches_numpy(seed, chip):
    check_one(one_launch_layer(seed), chip, seed)


TOKEN_SPECIALS = ["plain", "non-finite token", "zero token"]
TOKEN_RULES = [*SCORING, "groups", "top p"]


def token_choices(seed):
    return (
        *choices(seed)[:2],
        in_turn(TOKEN_SPECIALS, seed),
        in_turn(TOKEN_RULES, seed),
    )


def token_layer(seed):
    """A layer whose rule compares a token's scores with each other."""
    rng = np.random.default_rng(seed)
    _, _, special, kind = token_choices(seed)
    experts = int(rng.choice([8, 24, 72, 264]))
    layer = one_launch_layer(seed, E=experts, special=special)
    del layer.arrays["theta"]
    renormalize = bool(rng.random() < 0.5)
    if kind == "top p":
        layer.routing = TopP(float(rng.uniform(0.1, 0.95)), renormalize)
        return layer
    groups = int(rng.choice([2, 4, 8])) if kind == "groups" else 1
    limit = int(rng.integers(1, groups + 1))
    scoring = str(rng.choice(list(SCORING))) if kind == "groups" else kind
    k = int(rng.integers(1, min(8, experts // groups * limit) + 1))
    layer.routing = TopK(k, scoring, renormalize, groups, limit)
    if rng.random() < 0.5:
        bias = rng.standard_normal(experts).astype(np.float32)
        layer.arrays = {"bias": bias} | layer.arrays
    return layer


@on_each_chip(range(6400, 6430), lambda seed: enumerate(token_choices(seed)))
def test_rules_by_token(seed, chip):
    """The block that ends the last scores decides for all."""
    layer, before = token_layer(seed), len(et_emulated.launched)
    check_one(layer, chip, seed)
    launched = set(et_emulated.launched[before:])
    assert not layer.sizes["T"] or "et_moe_one_launch" in launched, launched


@on_each_chip(range(6100, 6124), lambda seed: enumerate(choices(seed)[1:]))
def test_thresholds_that_are_scores(seed, chip):
    """A score that differs in one bit from et.scores' would flip its pair."""
    layer = one_launch_layer(seed)
    while not layer.sizes["T"] or layer.special == "non-finite token":
        seed += 1000
        layer = one_launch_layer(seed)
    layer.routing = Threshold(layer.routing.compare, "binary")
    scores = run_batch([layer], chip)[0][1]
    rng = np.random.default_rng(seed)
    tokens = rng.integers(layer.sizes["T"], size=layer.sizes["E"])
    layer.arrays["theta"] = np.take_along_axis(scores, tokens[None], 0)[0]
    check_one(layer, chip, seed)


# Around the most tokens that one launch takes.
CHOICES = [
    (tokens, k, is_static)
    for k, tokens in enumerate((0, 1, 31, 32, 33, 64))
    for is_static in (False, True)
]


@pytest.mark.parametrize(
    ("tokens", "k", "is_static"),
    short_form(CHOICES, [choice for choice in CHOICES if choice[2] == choice[1] % 2]),
)
def test_schedule_follows_the_tokens(tokens, k, is_static):
    """A layer that is configured by nobody, and the kernels that it launches."""
    chip = et_emulated.CHIPS[k % len(et_emulated.CHIPS)]
    layer = one_launch_layer(6200 + k, T=tokens, special="plain")
    layer.schedule = ""
    layer.static = layer.static.replace("T", "") + "T" * is_static
    check_one(layer, chip, 6200 + k)
    before = len(et_emulated.launched)
    run_output(layer, chip)
    kernels = set(et_emulated.launched[before:])
    if tokens == 0:
        assert kernels <= {"et_moe_one_launch"}
    elif tokens <= 32:
        assert kernels == {"et_moe_one_launch"}
    else:
        assert "et_moe_one_launch" not in kernels
        assert len(kernels) >= 4


@on_each_chip(range(6300, 6306))
def test_strided_operands(seed, chip):
    """Slices of larger tensors: rows that do not follow each other in memory."""
    layer = one_launch_layer(seed, T=5, special="plain")
    layer.static = "TDEFG"
    text = module([layer], outputs_only=True)
    arguments = dict(layer.arrays)
    for name in ("x", "w1", "w2", "router"):
        whole = arguments[name]
        rank = whole.ndim
        padded = np.zeros([n + 3 for n in whole.shape], whole.dtype)
        padded[tuple(slice(2, 2 + n) for n in whole.shape)] = whole
        arguments[name] = padded
        small = layer.operand_type(name)
        large = f"tensor<{'x'.join(map(str, padded.shape))}x{layer.storage}>"
        twos, ones = ", ".join(["2"] * rank), ", ".join(["1"] * rank)
        sizes = ", ".join(map(str, whole.shape))
        text = text.replace(f"%l0_{name}: {small}", f"%whole_{name}: {large}")
        text = text.replace(
            "    %c0 =",
            f"    %l0_{name} = tensor.extract_slice %whole_{name}"
            f"[{twos}] [{sizes}] [{ones}] : {large} to {small}\n    %c0 =",
            1,
        )
    strided = et_emulated.run(text, arguments.values(), chip)[0]
    expected = run_output(layer, chip)
    assert strided.tobytes() == expected.tobytes(), f"seed {seed}, {chip}\n  {layer}"
