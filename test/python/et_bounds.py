# ===- et_bounds.py - how far an f32 result may be off ----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""How far a correct f32 implementation may be from et_reference.py.

Every bound follows from the standard error analysis of floating-point sums
(Higham, Accuracy and Stability of Numerical Algorithms, chapter 3) and holds
for any order of summation, with or without fused multiply-add: a sum of n
rounded products is within gamma(n) * sum |x| |w| of the exact one, gamma(n) =
n u / (1 - n u), u = 2^-24. Nothing here is fitted to what an implementation
gives. The constants are:

* FUNCTION = 8: exp, erf and tanh are taken to be within 4 ulp (libm and the
  usual polynomials are within 2), and the few operations around them in an
  activation or a sigmoid add less than another 4 u.
* A sum of n terms is charged gamma(n + 2): one for the rounding of the result,
  one for the reference's own.

Rounding to a storage type is monotone, so where the exact value lies in
[v - e, v + e] the stored one lies in [round(v - e), round(v + e)]: this counts
the flip of a rounding exactly, and needs no constant.
"""

import numpy as np

from et_reference import (
    SCALE_BLOCK,
    BoundedThreshold,
    ExpertChoice,
    Threshold,
    TopP,
    activation,
    expert_arguments,
    f64,
    parts,
    probabilities,
    sigmoid,
)

U = 2.0**-24
FUNCTION = 8 * U
TINY = 2.0**-126  # Below this f32 loses relative accuracy; an underflow errs by less.

# max |act'|: gelu' peaks at 1.129, silu' at 1.0999.
SLOPE = {"none": 1.0, "relu": 1.0, "gelu": 1.13, "gelu_tanh": 1.13, "silu": 1.1}


def gamma(n):
    return (n + 2) * U / (1.0 - (n + 2) * U)


def matrix_gamma(n):
    """The same for mma.sync of 16-bit operands with f32 sums.

    An instruction adds 8 exact products to the running sum at a time: all nine are
    aligned to the largest and cut at 24 bits below its leading one (docs/Emulator.md;
    an H100 keeps one bit more and adds 16), so each is off by at most u times the
    largest, and the result by 2 u times itself when it is cut to f32. No term and no
    partial sum exceeds sum |x| |w|. Zeros that fill up the depth add nothing.
    """
    errors = 11 * np.ceil(n / 8) * U
    return gamma(2) + errors / (1.0 - errors)


def scaled_gamma(sums, depth=SCALE_BLOCK):
    """`sums` where a scale multiplies each weight, or each block of `depth` sums or more.

    One rounding a weight in the one case. In the other the blocks, no longer than the
    whole, are each multiplied and added up.
    """

    def of_blocks(n):
        blocks = gamma(np.ceil(n / depth))
        return sums(n) + blocks + sums(n) * blocks

    return of_blocks


def split_gamma(n):
    """The same for f32 by three products of tf32 numbers.

    A number of f32 is big + small + rest: with 11 bits each for big and small, small is
    at most 2^-11 of it and the rest 2^-23. What is left out of a product, small small
    and two rests, is at most 2^-22 + 2 2^-23 of it (and a little, as big may exceed the
    number). An instruction adds 4 products at a time (an H100 all 8) to what is there,
    each cut at 24 bits: 7 u, as above. Three instructions for a depth of 8 start at zero,
    so 42 u are of the sum of those eight magnitudes, not of all; such sums are added up
    in f32. Near 2^-126 and below parts are off by 2^-136: for factors of less than 2^9
    that is within the TINY that a product is charged.
    """
    errors = (42 + np.ceil(n / 8) + 2) * U
    return gamma(2) + 1.01 * (2.0**-21 + errors / (1.0 - errors))


def rounded_interval(value, error, dtype):
    """What a value within `error` of `value` can be once stored as dtype."""
    with np.errstate(over="ignore", invalid="ignore"):
        return (f64((value - error).astype(dtype)), f64((value + error).astype(dtype)))


def violations(actual, value, error, dtype=np.float32):
    """Where a stored result lies outside the bound; non-finite values must be equal."""
    low, high = rounded_interval(value, error, dtype)
    actual = f64(actual)
    inside = (actual >= low) & (actual <= high)
    same = (actual == value) | (np.isnan(actual) & np.isnan(value))
    return ~np.where(np.isfinite(value), inside, same)


# ---------------------------------------------------------------------------
# Scores and gates
# ---------------------------------------------------------------------------


def scores_error(kind, x, router):
    x, router = np.abs(f64(x)), np.abs(f64(router))
    n = x.shape[1]
    magnitude = x @ router
    if kind == "linear":
        return gamma(n) * magnitude + n * TINY
    nx = np.maximum(np.sqrt((x * x).sum(axis=1)), 1e-12)
    nw = np.maximum(np.sqrt((router * router).sum(axis=0)), 1e-12)
    # Each norm is within gamma(n) / 2 + u; two products or divisions follow.
    norms = nx[:, None] * nw[None, :]
    return (gamma(n) + gamma(n + 2)) * magnitude / norms + n * TINY


def gate_error(routing, r, chosen):
    """Error of the gates of selected pairs, given the same f32 scores."""
    if isinstance(routing, (Threshold, BoundedThreshold, ExpertChoice)):
        if routing.gate == "sigmoid":
            return FUNCTION * sigmoid(r) + TINY
        return np.zeros(r.shape)
    relative, weight = probability_error(routing, r)
    if routing.renormalize:
        share = np.where(chosen, weight, 0.0)
        total = share.sum(axis=1, keepdims=True) + getattr(routing, "epsilon", 0.0)
        total = np.where(total == 0, 1.0, total)
        relative = relative + (share * relative).sum(axis=1, keepdims=True) / total
        relative = relative + gamma(r.shape[1])
        weight = share / total
    return relative * weight + TINY


def probability_error(routing, r):
    """Relative error of the probabilities, and these."""
    p = probabilities(routing, r)
    scoring = getattr(routing, "scoring", "softmax")
    if scoring == "sigmoid":
        return np.full(r.shape, FUNCTION), p
    if scoring == "sqrt_softplus":
        # An exponential, a logarithm and a sum, whose errors the root halves, and the
        # root's own; the exponential of what is below -86 may be no normal number.
        return np.where(r < -86, 1.0, FUNCTION + gamma(2)), p
    r = f64(r)
    with np.errstate(invalid="ignore"):
        # r - max is rounded once: exp's argument errs by u |r - max|.
        each = U * np.abs(r - r.max(axis=1, keepdims=True)) + FUNCTION
        whole = np.nansum(p * each, axis=1, keepdims=True) + gamma(r.shape[1])
    return np.nan_to_num(each + whole), np.nan_to_num(p)


def ranks(routing, r, bias):
    """What experts are ranked by, and its error."""
    relative, p = probability_error(routing, r)
    if bias is None:
        return p, relative * p
    value = p + f64(bias)[None, :]
    return value, relative * p + U * np.abs(value)


def uncertain_pairs(routing, r, bias, chosen):
    """Pairs that a correct implementation may select otherwise, given the same scores.

    Threshold and expert choice compare the f32 scores themselves: no pair is
    uncertain. Probabilities are computed, so two that differ by less than their
    errors may be ranked either way; then the whole token is uncertain. Equal
    scores (and biases) give equal probabilities, so their order is certain.
    """
    uncertain = np.zeros(r.shape, bool)
    if isinstance(routing, (Threshold, BoundedThreshold, ExpertChoice)):
        return uncertain
    value, error = ranks(routing, r, bias)
    extra = np.zeros(r.shape[1]) if bias is None else f64(bias)
    for t in range(r.shape[0]):
        inputs = np.stack([r[t], extra])
        if isinstance(routing, TopP):
            uncertain[t] = close_cut(value[t], error[t], inputs, routing.p)
        elif routing.groups == 1:
            uncertain[t] = close_ranks(value[t], error[t], inputs, chosen[t])
        else:
            groups = value[t].reshape(routing.groups, -1)
            two = np.sort(groups, axis=1)[:, -2:].sum(axis=1)
            allowed = two >= np.sort(two)[-routing.groupLimit]
            inside = np.repeat(allowed, groups.shape[1])
            slack = np.full(two.shape, 3 * error[t].max())
            names = np.arange(len(two))[None, :]
            uncertain[t] = close_ranks(two, slack, names, allowed) or close_ranks(
                value[t][inside], error[t][inside], inputs[:, inside], chosen[t][inside]
            )
    return uncertain


def possible_tokens(routing, r, bias, chosen):
    """Tokens whose chosen experts a correct implementation may choose.

    For the tokens of uncertain_pairs, of top k or top p. How many experts a token has,
    and which of two equal scores comes first, is not looked at.
    """
    value, error = ranks(routing, r, bias)
    low, high = value - error, value + error
    return np.array(
        [
            is_possible_cut(value[t], error[t], chosen[t], routing.p)
            if isinstance(routing, TopP)
            else is_possible_choice(low[t], high[t], chosen[t], routing)
            for t in range(len(r))
        ],
        dtype=bool,
    )


def is_possible_choice(low, high, chosen, routing):
    """No expert of a group that surely stays surely ranks above a chosen one."""
    groups, limit = routing.groups, routing.groupLimit
    # Of two sums, each of two values and rounded.
    slack = 3 * (high - low).max()
    two = np.sort(((low + high) / 2).reshape(groups, -1), axis=1)[:, -2:].sum(axis=1)
    above = two[None, :] - two[:, None]  # [g, other]
    stays = (above >= -slack).sum(axis=1) <= limit  # Itself is among them.
    may_stay = (above > slack).sum(axis=1) < limit
    of_group = np.arange(len(low)) // (len(low) // groups)
    others = low[~chosen & stays[of_group]]
    return (
        may_stay[of_group[chosen]].all()
        and len(set(of_group[chosen])) <= limit
        and (others <= high[chosen].min(initial=np.inf)).all()
    )


def is_possible_cut(p, error, chosen, target):
    """The best experts, as many as their sum needs to reach the target."""
    if not chosen.any():
        return False
    slack = error[chosen].sum() + gamma(len(p))
    total, last = p[chosen].sum(), (p + error)[chosen].min()
    return (
        (chosen.all() or total + slack >= target)
        and total - last - slack < target
        and ((p - error)[~chosen] <= last).all()
    )


def close_ranks(value, error, inputs, chosen):
    """Whether some value outside the chosen could rank above one of the chosen.

    inputs[:, i] is what value i was computed from.
    """
    out = ~chosen
    close = (value + error)[out][:, None] >= (value - error)[chosen][None, :]
    same = (inputs[:, out][:, :, None] == inputs[:, chosen][:, None, :]).all(axis=0)
    return bool((close & ~same).any())


def close_cut(p, error, inputs, target):
    order = np.argsort(-p, kind="stable")
    total = np.cumsum(p[order])
    slack = np.cumsum(error[order]) + gamma(len(p))
    if (np.abs(total - target) <= slack).any():
        return True
    last = int(np.argmax(total >= target)) if (total >= target).any() else len(p) - 1
    chosen = np.zeros(len(p), bool)
    chosen[order[: last + 1]] = True
    return close_ranks(p, error, inputs, chosen)


# ---------------------------------------------------------------------------
# Experts
# ---------------------------------------------------------------------------


def activation_with_error(act, a, error):
    """act(a) and the error of the f32 evaluation, given a's own error."""
    h = activation(act, a)
    # An infinite argument comes of an infinite operand, and rounding leaves it as it is.
    error = np.where(np.isinf(a), 0.0, error)
    if act in ("none", "relu"):
        return h, error
    if act == "relu_squared":
        slope = 2 * np.where(np.isinf(a), 0.0, np.maximum(a, 0))
        return h, slope * error + error**2 + 2 * U * h + TINY
    # gelu is r / 2 times 1 + erf(.), which cancels for r < 0: the error is
    # relative to r, not to gelu(r).
    return h, SLOPE[act] * error + FUNCTION * (np.abs(a) + error) + TINY


def gated_with_error(act, gate, gate_error, up, up_error):
    """The activation of a gate's product and the other one, and its error. To bound a
    value makes no error larger."""
    name, p = parts(act)
    if name == "clamped_swiglu":
        g, g_error = activation_with_error("silu", gate, gate_error)
        g, up = np.minimum(g, p["limit"]), np.clip(up, -p["limit"], p["limit"])
    elif name == "swiglu_oss":
        # g / (1 + exp(-alpha g)) is silu(alpha g) / alpha; alpha is rounded too.
        a = p["alpha"] * np.minimum(gate, p["limit"])
        a_error = p["alpha"] * gate_error + 2 * U * np.abs(a)
        g, g_error = activation_with_error("silu", a, a_error)
        g, g_error = g / p["alpha"], g_error / p["alpha"]
        up = np.clip(up, -p["limit"], p["limit"]) + 1.0
        up_error = up_error + U * np.abs(up)
    else:
        g, g_error = activation_with_error(act, gate, gate_error)
    h = g * up
    error = np.abs(g) * up_error + np.abs(up) * g_error + up_error * g_error
    return h, error + 2 * U * np.abs(h) + TINY


def sum_with_error(a, a_error, w, bias, sums=gamma):
    """a w + bias and its error, for rows a that err by a_error.

    `sums` is what a sum of n products is charged.
    """
    a, w = f64(a), f64(w)
    bias = np.zeros(w.shape[1]) if bias is None else f64(bias)
    value = a @ w + bias
    magnitude = (np.abs(a) + a_error) @ np.abs(w) + np.abs(bias)
    error = sums(w.shape[0] + 1) * magnitude + w.shape[0] * TINY
    if np.ndim(a_error):
        error = error + a_error @ np.abs(w)
    return value, error


def matmul_with_error(act, a, w, bias=None, wg=None, gate_bias=None, sums=gamma):
    up, up_error = sum_with_error(a, 0.0, w, bias, sums)
    if wg is None:
        return activation_with_error(act, up, up_error)
    gate = sum_with_error(a, 0.0, wg, gate_bias, sums)
    return gated_with_error(act, *gate, up, up_error)


def stored_with_error(value, error, dtype):
    """What is stored of a value within `error` of `value`, and its error: by how much
    the end of the interval that lies further away differs. An f32 is stored as it is.
    """
    if dtype == np.float32:
        return value, error
    low, high = rounded_interval(value, error, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        stored = f64(value.astype(dtype))
        return stored, np.maximum(high - stored, stored - low)


def ffn_with_error(
    act, a, w1, w2, b1=None, b2=None, wg=None, gate_bias=None, sums=gamma
):
    h, error = matmul_with_error(act, a, w1, b1, wg, gate_bias, sums)
    return sum_with_error(*stored_with_error(h, error, a.dtype), w2, b2, sums)


def moe_output_with_error(act, x, chosen, gates, weights, sums=gamma):
    """The unrounded output of a layer for a given selection and gates, and its error.

    Rows of non-finite inputs are left out by the caller: their bound is void.
    """
    tokens, experts = chosen.shape
    width = weights["w2"].shape[2]
    value, error = np.zeros((tokens, width)), np.zeros((tokens, width))
    magnitude = np.zeros((tokens, width))

    def expert_output(*operands, **names):
        y, y_error = ffn_with_error(act, *operands, sums=sums, **names)
        return stored_with_error(y, y_error, x.dtype)

    with np.errstate(invalid="ignore", over="ignore"):
        if weights.get("shared_w1") is not None:
            value, error = expert_output(
                x,
                weights["shared_w1"],
                weights["shared_w2"],
                wg=weights.get("shared_gate"),
            )
            magnitude = np.abs(value) + error
        for e in range(experts):
            rows = np.flatnonzero(chosen[:, e])
            operands = expert_arguments(e, **weights)
            y, y_error = expert_output(x[rows], *operands)
            g = f64(gates[rows, e])[:, None]
            value[rows] += g * y
            error[rows] += np.abs(g) * y_error
            magnitude[rows] += np.abs(g) * (np.abs(y) + y_error)
        terms = chosen.sum(axis=1, keepdims=True) + 1
        return value, error + gamma(terms) * magnitude + terms * TINY
