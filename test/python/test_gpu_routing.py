# ===- test_gpu_routing.py - what rules cost on a GPU ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Warp instructions from scores to token lists, exactly, by the emulator."""

import numpy as np
import pytest

import et_emulated
import et_reference as ref

T, E, K = 512, 64, 8
MODULE = f"""
func.func @main(%r: tensor<{T}x{E}xf32>, %theta: tensor<{E}xf32>)
    -> (tensor<{E}x{T // 32}xi32>, tensor<{T}x{E}xf32>, tensor<{E + 1}xi32>, tensor<{T * K}xi32>) {{
  %m0 = tensor.empty() : tensor<{E}x{T // 32}xi32>
  %g0 = tensor.empty() : tensor<{T}x{E}xf32>
  %o0 = tensor.empty() : tensor<{E + 1}xi32>
  %l0 = tensor.empty() : tensor<{T * K}xi32>
  %m, %g = et.gate RULE outs(%m0, %g0 : tensor<{E}x{T // 32}xi32>, tensor<{T}x{E}xf32>)
  %o = et.offsets ins(%m : tensor<{E}x{T // 32}xi32>) outs(%o0 : tensor<{E + 1}xi32>)
  %l = et.token_list ins(%m, %o : tensor<{E}x{T // 32}xi32>, tensor<{E + 1}xi32>)
    outs(%l0 : tensor<{T * K}xi32>)
  return %m, %g, %o, %l : tensor<{E}x{T // 32}xi32>, tensor<{T}x{E}xf32>, tensor<{E + 1}xi32>, tensor<{T * K}xi32>
}}
"""
INS = f"ins(%r : tensor<{T}x{E}xf32>)"
THRESHOLD = f"#et.threshold {INS} theta(%theta : tensor<{E}xf32>)"


def measure(rule, expected, r, theta, chip, monkeypatch):
    """The warp instructions, over all schedules, of a rule that must select what is expected."""
    monkeypatch.setattr(et_emulated, "counted", [])
    mask, _, offsets, tokens = et_emulated.run(
        MODULE.replace("RULE", rule), [r, theta], chip
    )
    assert np.array_equal(ref.unpack_mask(mask, T), expected)
    assert np.array_equal(offsets, ref.offsets(expected))
    assert np.array_equal(tokens, ref.token_list(expected))
    return sum(one["warp_instructions"] for one in et_emulated.counted)


@pytest.mark.parametrize("chip", et_emulated.CHIPS)
def test_top_k_costs_at_most_twice_what_thresholds_cost(chip, monkeypatch):
    rng = np.random.default_rng(8)
    r = rng.standard_normal((T, E)).astype(np.float32)
    # Thresholds that select as many pairs: the T K / E best of each expert.
    theta = np.sort(r, axis=0)[T - T * K // E - 1]
    above = ref.select(ref.Threshold(), r, theta)
    best = ref.select(ref.TopK(K), r)
    assert above.sum() == best.sum() == T * K
    thresholds = measure(THRESHOLD, above, r, theta, chip, monkeypatch)
    for scoring in ref.SCORING:
        rule = f"#et.top_k<k = {K}, scoring = {scoring}> {INS}"
        top_k = measure(rule, best, r, theta, chip, monkeypatch)
        assert top_k <= 2 * thresholds, f"{scoring}: {top_k} against {thresholds}"
