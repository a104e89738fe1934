# ===- et_compare.py - a layer against the reference ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares what a compiled layer returned with the reference, stage by stage.

A score summed in another order may cross its threshold, so each stage is checked
on what the implementation handed it: the scores within their error bound; the
selection on the implementation's scores, exactly; the gates and the output on
the implementation's selection. The selection is compared with the reference's
own scores too, on every pair whose score is further from the threshold than the
scores' error bound.
"""

import numpy as np

import et_reference as ref
from et_bounds import (
    gamma,
    gate_error,
    moe_output_with_error,
    possible_tokens,
    scores_error,
    uncertain_pairs,
    violations,
)


def check(bad, actual, expected, what):
    if bad.any():
        at = tuple(np.argwhere(bad)[0])
        raise AssertionError(
            f"{what}: {int(bad.sum())} of {bad.size} differ, first at {at}: "
            f"got {actual[at]}, expected {expected[at]}"
        )


def check_scores(layer, r, finite):
    x, router = layer.array("x"), layer.array("router")
    expected = ref.scores(layer.score, x, router)
    with np.errstate(invalid="ignore"):
        error = scores_error(layer.score, x, router)
    bad = violations(r, ref.f64(expected), error)
    check(bad & finite[:, None], r, expected, "scores")
    undefined = np.isnan(ref.f64(x)).any(axis=1)[:, None] & ~np.isnan(r)
    check(undefined, r, expected, "scores of a token with a NaN")
    return expected, error


def check_selection(layer, r, chosen, expected_scores, scores_slack):
    theta, bias = layer.array("theta"), layer.array("bias")
    expected = ref.select(layer.routing, r, theta, bias)
    uncertain = uncertain_pairs(layer.routing, r, bias, expected)
    check((chosen != expected) & ~uncertain, chosen, expected, "selection")
    if uncertain.any():
        # Too close to call: not any choice will do, only what the errors explain.
        unexplained = uncertain & ~possible_tokens(
            layer.routing, r, bias, chosen
        ).reshape(-1, 1)
        check(unexplained, chosen, expected, "selection of a close token")
    if isinstance(layer.routing, ref.TopK):
        same = chosen.sum(axis=1) == expected.sum(axis=1)
        assert same.all(), "another number of experts a token"
    if isinstance(layer.routing, ref.Threshold):
        own = ref.select(layer.routing, expected_scores, theta, bias)
        with np.errstate(invalid="ignore"):
            clear = np.abs(expected_scores - theta[None, :]) > scores_slack
        check(
            (chosen != own) & clear, chosen, own, "selection by the reference's scores"
        )


def check_layer(layer, results, sums=gamma, where=""):
    """results: output, scores, mask, gates of layer.body().

    `sums` is what a sum of n products of a feed-forward layer is charged; an error
    begins with `where`.
    """
    try:
        compare_layer(layer, results, sums)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}\n  {layer}") from error


def compare_layer(layer, results, sums):
    y, r, mask, g = results
    x = layer.array("x")
    tokens = layer.sizes["T"]
    finite = np.isfinite(ref.f64(x)).all(axis=1)
    for name, result, shape in (
        ("output", y, (tokens, layer.sizes["D"])),
        ("scores", r, (tokens, layer.sizes["E"])),
        ("gates", g, (tokens, layer.sizes["E"])),
    ):
        assert result.shape == shape, f"{name} has shape {result.shape}, not {shape}"

    expected_scores, slack = check_scores(layer, r, finite)
    chosen = ref.unpack_mask(mask, tokens)
    check_selection(layer, r, chosen, expected_scores, slack)

    expected = ref.f64(ref.gates(layer.routing, r, chosen))
    with np.errstate(invalid="ignore"):
        bad = violations(g, expected, gate_error(layer.routing, r, chosen))
    check(np.where(chosen, bad, g != 0), g, expected, "gates")

    check_output(layer, y, chosen, g, sums)


def check_output(layer, y, chosen, g, sums):
    """The output, given which pairs were selected with what gates."""
    x = layer.array("x")
    finite = np.isfinite(ref.f64(x)).all(axis=1)
    value, error = moe_output_with_error(
        layer.activation, x, chosen, g, layer.weights(), sums
    )
    bad = violations(y, value, error, x.dtype)
    check(bad & finite[:, None], y, value, "output")
    lost = np.isnan(ref.f64(x)).any(axis=1)[:, None] & np.isnan(value)
    check(lost & ~np.isnan(ref.f64(y)), y, value, "output of a NaN token")
    unselected = ~chosen.any(axis=1)[:, None] & (layer.array("shared_w1") is None)
    check(unselected & (ref.f64(y) != 0), y, value, "output of a token without expert")
