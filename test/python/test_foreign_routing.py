# ===- test_foreign_routing.py - routings of a dialect of others ------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Rules of test/lib/ForeignDialect.cpp, a library of its own, on every target.

The arithmetic of these rules is a few operations of f32, which NumPy has too: pairs and
gates are compared bit for bit.
"""

import numpy as np
import pytest

import et_emulated
import et_reference as ref
from et_bounds import gamma, matrix_gamma
from et_cases import short_form
from et_compare import check_output
from et_compiled import BUILD
from et_emulated import CHIPS
from et_layers import OPERANDS, attribute, module, random_layer, random_matrix_layer
from et_tools import run

PLUGIN = BUILD / "lib" / "ETForeignDialect.so"
OPTIONS = (f"--load-dialect-plugin={PLUGIN}",)


def far(r, theta, bias):
    return np.abs(r) > theta + bias, r * r


def near_best(r, theta, bias):
    ranks = r + bias
    shortfall = np.fmax.reduce(ranks, axis=1)[:, None] - ranks
    return shortfall < np.float32(0.5), np.float32(1) - shortfall


def half(r, theta, bias):
    chosen = np.zeros(r.shape, bool)
    for e in range(r.shape[1]):
        chosen[ref.best(r[:, e], int((r[:, e] > 0).sum()) // 2), e] = True
    return chosen, r


# Each rule, and one of ours that has its operands; a bias goes with the first two.
RULES = {
    far: ref.Threshold(),
    near_best: ref.TopK(k=1),
    half: ref.ExpertChoice(rate=0.5),
}
CASES = [
    (rule, seed, target)
    for seed in range(6)
    for k, rule in enumerate(RULES)
    for target in ("reference", "cpu", CHIPS[(seed + k) % len(CHIPS)])
]


def with_rule(rng, layer, rule):
    """The layer with the operands that a rule takes."""
    layer.routing = RULES[rule]
    per_expert = {
        name: rng.standard_normal(layer.sizes["E"]).astype(np.float32)
        for name, is_there in (
            ("theta", rule is far),
            ("bias", rule is not half and rng.random() < 0.5),
        )
        if is_there
    }
    arrays = {k: v for k, v in layer.arrays.items() if k not in ("theta", "bias")}
    arrays |= per_expert
    layer.arrays = {name: arrays[name] for name in OPERANDS if name in arrays}
    return layer


def text(layer, rule, **how):
    ours = attribute(layer.routing)
    return module([layer], **how).replace(ours, f"#foreign.{rule.__name__}")


def check(layer, rule, target, where):
    """Scores, pairs, gates and output, as NumPy has them."""
    kinds = (layer.storage, "f32", "i32", "f32")
    y, r, mask, g = run(
        text(layer, rule), layer.arrays.values(), kinds, target, options=OPTIONS
    )
    zero = np.zeros(layer.sizes["E"], np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        chosen, weight = rule(
            r, layer.arrays.get("theta", zero), layer.arrays.get("bias", zero)
        )
    where = f"{where}, {target}, {rule.__name__}\n  {layer}"
    found = ref.unpack_mask(mask, layer.sizes["T"])
    assert np.array_equal(found, chosen), where
    assert np.array_equal(g, np.where(chosen, weight, np.float32(0))), where
    sums = matrix_gamma if target in CHIPS and layer.storage != "f32" else gamma
    check_output(layer, y, chosen, g, sums)


@pytest.mark.parametrize(
    ("rule", "seed", "target"),
    short_form(CASES, [case for case in CASES if case[1] < 2]),
)
def test_matches_numpy(rule, seed, target):
    rng = np.random.default_rng([seed, list(RULES).index(rule)])
    sizes = {"T": int(rng.integers(0, 131)), "E": int(rng.choice([1, 5, 8, 19, 64]))}
    special = ("plain", "non-finite token")[seed % 2]
    layer = random_layer(rng, work=1e6, special=special, **sizes)
    layer.static += "E" if seed % 3 else ""
    check(with_rule(rng, layer, rule), rule, target, f"seed {seed}")


def kernels(layer, rule, chip, monkeypatch):
    """What is launched for a layer's output."""
    monkeypatch.setattr(et_emulated, "launched", [])
    source = text(layer, rule, outputs_only=True)
    et_emulated.run(source, layer.arrays.values(), chip, OPTIONS)
    return set(et_emulated.launched)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("rule", [far, near_best])
def test_fast_paths(rule, chip, monkeypatch):
    """A rule by pair is scored, compared and counted in one kernel, one by token decided by
    a few lanes a token; few tokens take one launch."""
    rng = np.random.default_rng(7)
    layer = random_matrix_layer(rng, T=21, E=40, storage="bf16", special="plain")
    layer.static = "DEFG"
    layer = with_rule(rng, layer, rule)
    own = "et_moe_route" if rule is far else "et_moe_gate_near_best"
    launched = kernels(layer, rule, chip, monkeypatch)
    assert own in launched and "et_moe_one_launch" not in launched, launched
    layer.schedule = "one_launch"
    launched = kernels(layer, rule, chip, monkeypatch)
    assert launched == {"et_moe_one_launch"}, launched
    check(layer, rule, chip, "one launch")
