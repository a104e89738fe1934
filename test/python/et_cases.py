# ===- et_cases.py - which cases the short form runs ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Chooses the cases of the suite's short form; the long form runs all of them.

What a case shows is a set of features: a routing, a type, an activation on a chip. The
short form's cases are few, and show all that the long form's do.
"""

import pytest


def cover(cases, features):
    """Few of the cases, in their order, that show each feature which any of them does:
    always the one next that shows most of what is still to be shown."""
    shown = {case: set(features(case)) for case in cases}
    missing, chosen = set().union(*shown.values()), set()
    while missing:
        best = max(shown, key=lambda case: len(shown[case] & missing))
        chosen.add(best)
        missing -= shown[best]
    return [case for case in shown if case in chosen]


def short_form(cases, core):
    """The cases as parameters of a test: those not in `core` are left to the long form."""
    core = list(core)
    return [
        case if case in core else pytest.param(*as_tuple(case), marks=pytest.mark.long)
        for case in cases
    ]


def as_tuple(case):
    return case if isinstance(case, tuple) else (case,)


def in_batches(seeds, core, size):
    """Batches of seeds as parameters of a test, those of `core` first."""
    core = list(core)

    def batches(seeds):
        return [seeds[k : k + size] for k in range(0, len(seeds), size)]

    first = batches(core)
    return short_form(first + batches([s for s in seeds if s not in core]), first)


def batch_name(seeds):
    return f"seed{seeds[0]}-{seeds[-1]}"
