# ===- test_cases.py - what the short form shows ----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The short form has every routing, gate, activation, operand, type and chip."""

import test_gpu_emulated
import test_gpu_matrix
import test_layers
from et_cases import cover
from et_emulated import CHIPS
from et_layers import (
    ACTIVATIONS,
    GATES,
    MNEMONIC,
    OPERANDS,
    SPECIALS,
    features,
    in_turn,
)
from et_reference import SCORING, STORAGE

RULES = [rule.__name__ for rule in MNEMONIC]
TABLE = {name for name in OPERANDS if not name.endswith("_scales")}
TABLE |= {"linear", "cosine", *SPECIALS, *RULES, *ACTIVATIONS, *STORAGE}
TABLE |= {f"Threshold gate={gate}" for gate in GATES}
TABLE |= {f"TopK scoring={scoring}" for scoring in SCORING}


def in_short_form(test):
    """The parameters of those cases of a test that are not left to the long form."""
    (mark,) = (mark for mark in test.pytestmark if mark.name == "parametrize")
    return [case for case in mark.args[1] if not getattr(case, "marks", ())]


def test_few_cases_show_all():
    cases = {1: "ab", 2: "abc", 3: "d", 4: "c", 5: "de"}
    assert cover(cases, cases.get) == [2, 5]
    assert cover([], cases.get) == []


def test_each_value_comes_in_each_round():
    for first in range(0, 60, 6):
        found = {in_turn(ACTIVATIONS, first + k) for k in range(6)}
        assert found == set(ACTIVATIONS)


def test_layers_on_cpus():
    core = (test_layers.layer_of(seed, arrays=False) for seed in test_layers.CORE)
    assert set().union(*map(features, core)) >= TABLE


def test_layers_on_gpus():
    chips, found = set(), set()
    for tests in (test_gpu_emulated, test_gpu_matrix):
        for seed, chip in in_short_form(tests.test_layer_matches_numpy):
            chips.add(chip)
            found |= features(tests.layer_of(seed, arrays=False))
    for *edge, chip in in_short_form(test_gpu_emulated.test_edge_case):
        chips.add((edge[0], chip))
        found |= features(test_gpu_emulated.edge_layer(*edge, arrays=False))
    assert found >= TABLE
    assert chips >= {*CHIPS, *((kind, chip) for kind in STORAGE for chip in CHIPS)}
