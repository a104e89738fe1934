# ===- et_reference.py - every op in NumPy ----------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What every op of the `et` dialect computes, in NumPy.

Written from the specification alone, for reading: no code is shared with the
compiler. Sums are float64; a value is rounded where the specification rounds it
(scores and gates to f32, the hidden units and the output of an expert to the
storage type, the layer's output to its type) and nowhere else. How far an f32 implementation may be from
these values is the business of et_bounds.py.
"""

import math
from dataclasses import dataclass

import ml_dtypes
import numpy as np

STORAGE = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}


# Of experts' weights only, with a scale for each block of so many rows and columns.
FP8 = ml_dtypes.float8_e4m3fn
SCALE_BLOCK = 128


def f64(a):
    return np.asarray(a).astype(np.float64)


# ---------------------------------------------------------------------------
# Scores
# ---------------------------------------------------------------------------


def scores(kind, x, router):
    """r[T, E] as f32."""
    x, router = f64(x), f64(router)
    with np.errstate(invalid="ignore", over="ignore"):
        r = x @ router
        if kind == "cosine":
            nx = np.maximum(np.sqrt((x * x).sum(axis=1)), 1e-12)
            nw = np.maximum(np.sqrt((router * router).sum(axis=0)), 1e-12)
            r = r / (nx[:, None] * nw[None, :])
    return r.astype(np.float32)


# ---------------------------------------------------------------------------
# Routing rules: the fields are the attribute's parameters
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Threshold:
    compare: str = "gt"
    gate: str = "sigmoid"


@dataclass(frozen=True)
class BoundedThreshold:
    rate: float
    slack: float
    compare: str = "gt"
    gate: str = "sigmoid"


@dataclass(frozen=True)
class TopK:
    k: int
    scoring: str = "softmax"
    renormalize: bool = False
    groups: int = 1
    groupLimit: int = 1
    epsilon: float = 1e-20


@dataclass(frozen=True)
class ExpertChoice:
    rate: float
    gate: str = "sigmoid"


@dataclass(frozen=True)
class TopP:
    p: float
    renormalize: bool = False


def sigmoid(r):
    r = f64(r)
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-r))


def sqrt_softplus(r):
    return np.sqrt(np.logaddexp(0.0, f64(r)))


def softmax(r):
    r = f64(r)
    with np.errstate(invalid="ignore"):
        p = np.exp(r - r.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)


def gate_function(gate, r):
    if gate == "binary":
        return np.ones(r.shape)
    if gate == "sigmoid":
        return sigmoid(r)
    if gate == "relu":
        return np.maximum(f64(r), 0.0)
    assert gate == "raw"
    return f64(r)


def above(compare, r, theta):
    with np.errstate(invalid="ignore"):
        return r >= theta if compare == "ge" else r > theta


def best(values, count):
    """Indices of the `count` largest values, the lower index first among equals.

    NaN is never taken, so fewer may come back.
    """
    order = sorted(
        (i for i in range(len(values)) if not math.isnan(values[i])),
        key=lambda i: (-values[i], i),
    )
    return order[:count]


def best_groups(values, groups, limit):
    """The experts of the `limit` best groups, by the sum of their two best values."""
    size = len(values) // groups
    two = [best(values[g * size : (g + 1) * size], 2) for g in range(groups)]
    sums = [
        sum(values[g * size + i] for i in two[g]) if two[g] else -math.inf
        for g in range(groups)
    ]
    return [e for g in best(sums, limit) for e in range(g * size, (g + 1) * size)]


SCORING = {"softmax": softmax, "sigmoid": sigmoid, "sqrt_softplus": sqrt_softplus}


def probabilities(routing, r):
    return SCORING[getattr(routing, "scoring", "softmax")](r)


def select(routing, r, theta=None, bias=None):
    """The selected pairs as bool [T, E], from f32 scores."""
    assert r.dtype == np.float32
    tokens, experts = r.shape
    chosen = np.zeros((tokens, experts), bool)
    if isinstance(routing, Threshold):
        return above(routing.compare, r, theta[None, :])
    if isinstance(routing, BoundedThreshold):
        k = math.floor(tokens * routing.rate)
        low, high = int((1 - routing.slack) * k), int((1 + routing.slack) * k)
        for e in range(experts):
            count = int(above(routing.compare, r[:, e], theta[e]).sum())
            chosen[best(r[:, e], min(max(count, low), high)), e] = True
    elif isinstance(routing, ExpertChoice):
        k = math.floor(tokens * routing.rate)
        for e in range(experts):
            chosen[best(r[:, e], k), e] = True
    elif isinstance(routing, TopK):
        ranks = probabilities(routing, r)
        if bias is not None:
            ranks = ranks + f64(bias)[None, :]
        for t in range(tokens):
            values = ranks[t].copy()
            if routing.groups > 1:
                allowed = best_groups(values, routing.groups, routing.groupLimit)
                values[np.setdiff1d(np.arange(experts), allowed)] = np.nan
            chosen[t, best(values, routing.k)] = True
    else:
        assert isinstance(routing, TopP)
        p = softmax(r)
        for t in range(tokens):
            total = 0.0
            for e in best(p[t], experts):
                chosen[t, e] = True
                total += p[t, e]
                if total >= routing.p:
                    break
    return chosen


def gates(routing, r, chosen):
    """The weights of the selected pairs as f32 [T, E], 0 elsewhere."""
    if isinstance(routing, (TopK, TopP)):
        weight = probabilities(routing, r)
    else:
        weight = gate_function(routing.gate, r)
    weight = np.where(chosen, weight, 0.0)
    if getattr(routing, "renormalize", False):
        total = weight.sum(axis=1, keepdims=True) + getattr(routing, "epsilon", 0.0)
        with np.errstate(invalid="ignore"):
            weight = np.divide(weight, total, out=np.zeros_like(weight), where=chosen)
    return weight.astype(np.float32)


def pack_mask(chosen):
    """bool [T, E] to i32 [E, ceil(T / 32)]: bit t % 32 of word [e, t / 32]."""
    tokens, experts = chosen.shape
    words = -(-tokens // 32)
    bits = np.zeros((experts, words * 32), np.uint64)
    bits[:, :tokens] = chosen.T
    powers = np.uint64(1) << np.arange(32, dtype=np.uint64)
    return (
        (bits.reshape(experts, words, 32) * powers)
        .sum(axis=2)
        .astype(np.uint32)
        .view(np.int32)
    )


def with_stray_bits(rng, mask, tokens):
    """The mask with random bits at and beyond the tokens, which stand for nothing."""
    if tokens % 32:
        stray = rng.integers(0, 2**32, len(mask), np.uint32) << (tokens % 32)
        mask = mask.copy()
        mask[:, -1] |= stray.astype(np.uint32).view(np.int32)
    return mask


def unpack_mask(mask, tokens):
    """i32 [E, W] to bool [T, E]; a bit set at or beyond T is an error."""
    experts, words = mask.shape
    assert words == -(-tokens // 32), f"{words} words for {tokens} tokens"
    shifts = np.arange(32, dtype=np.uint32)
    bits = (mask.view(np.uint32)[:, :, None] >> shifts) & np.uint32(1)
    bits = bits.reshape(experts, words * 32).astype(bool)
    assert not bits[:, tokens:].any(), "bits beyond the last token are set"
    return bits[:, :tokens].T


# ---------------------------------------------------------------------------
# Plan
# ---------------------------------------------------------------------------


def offsets(chosen):
    return np.concatenate([[0], np.cumsum(chosen.sum(axis=0))]).astype(np.int32)


def token_list(chosen):
    return np.concatenate(
        [np.flatnonzero(chosen[:, e]) for e in range(chosen.shape[1])] or [np.zeros(0)]
    ).astype(np.int32)


def combine(pairs, gates, chosen, shared=None):
    """Sum over the selected experts, unrounded (f64)."""
    out = np.zeros((chosen.shape[0], pairs.shape[1]))
    if shared is not None:
        out += f64(shared)
    row = 0
    for e in range(chosen.shape[1]):
        for t in np.flatnonzero(chosen[:, e]):
            out[t] += f64(gates[t, e]) * f64(pairs[row])
            row += 1
    return out


# ---------------------------------------------------------------------------
# Experts
# ---------------------------------------------------------------------------

_erf = np.frompyfunc(math.erf, 1, 1)


def erf(a):
    return _erf(a).astype(np.float64)


def activation(kind, r):
    with np.errstate(over="ignore", invalid="ignore"):
        if kind == "none":
            return r
        if kind == "relu":
            return np.maximum(r, 0.0)
        if kind == "relu_squared":
            return np.maximum(r, 0.0) ** 2
        if kind == "gelu":
            return 0.5 * r * (1.0 + erf(r / math.sqrt(2.0)))
        if kind == "gelu_tanh":
            return (
                0.5
                * r
                * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (r + 0.044715 * r**3)))
            )
        assert kind == "silu"
        return r / (1.0 + np.exp(-r))


def parts(act):
    """The name of an activation and its parameters, as floats."""
    name, _, parameters = act.partition("<")
    pairs = (one.split(" = ") for one in parameters.rstrip(">").split(", ") if one)
    return name, {key: float(value) for key, value in pairs}


def gated(act, gate, up):
    """What an activation makes of a gate's product and the other one."""
    name, p = parts(act)
    if name == "clamped_swiglu":
        silu = activation("silu", gate)
        return np.minimum(silu, p["limit"]) * np.clip(up, -p["limit"], p["limit"])
    if name == "swiglu_oss":
        g = np.minimum(gate, p["limit"])
        with np.errstate(over="ignore", invalid="ignore"):
            activated = g / (1.0 + np.exp(-p["alpha"] * g))
        return (np.clip(up, -p["limit"], p["limit"]) + 1.0) * activated
    return activation(act, gate) * up


def scales_shape(shape, block=(SCALE_BLOCK, SCALE_BLOCK)):
    """Of weights [E, K, N] where a block of K by N has a scale; None is for all."""
    sizes = zip(shape[1:], block, strict=True)
    return shape[0], *(1 if b is None else -(-n // b) for n, b in sizes)


def scaled(weights, scales, block=(SCALE_BLOCK, SCALE_BLOCK)):
    """The f64 values of weights [E, K, N] with such scales."""
    for axis, size in enumerate(block, 1):
        n = weights.shape[axis]
        blocks = np.arange(n) // (size or max(n, 1))
        scales = np.take(scales, blocks, axis)
    return f64(weights) * f64(scales)


def pack(w, columns, interleave=1, step=1):
    """Weights [E, K, N] in the layout #et.panels, element by element as it says."""
    experts, depth, width = w.shape
    rows = -(-depth // step) * step // interleave
    shape = (experts, -(-width // columns), rows, columns * interleave)
    packed = np.zeros(shape, w.dtype)
    for k in range(depth):
        for n in range(width):
            at = (n % columns) * interleave + k % interleave
            packed[:, n // columns, k // interleave, at] = w[:, k, n]
    return packed


def matmul(act, a, w, bias=None, wg=None, gate_bias=None):
    """One expert's product with its epilogue, unrounded (f64)."""
    with np.errstate(invalid="ignore", over="ignore"):
        up = f64(a) @ f64(w) + (0.0 if bias is None else f64(bias))
        if wg is None:
            return activation(act, up)
        gate_value = f64(a) @ f64(wg) + (0.0 if gate_bias is None else f64(gate_bias))
        return gated(act, gate_value, up)


def ffn(act, a, w1, w2, b1=None, b2=None, wg=None, gate_bias=None):
    """One expert's network on rows a, unrounded (f64); H is rounded to a's type."""
    with np.errstate(invalid="ignore", over="ignore"):
        h = matmul(act, a, w1, b1, wg, gate_bias).astype(a.dtype)
        return f64(h) @ f64(w2) + (0.0 if b2 is None else f64(b2))


def expert_arguments(e, w1, w2, b1=None, b2=None, gate=None, gate_bias=None, **_):
    """Expert e's slice of the stacked weights, as ffn takes them."""
    stacked = (w1, w2, b1, b2, gate, gate_bias)
    return tuple(None if a is None else a[e] for a in stacked)


# ---------------------------------------------------------------------------
# Threshold state
# ---------------------------------------------------------------------------


def mean_minus_std(r):
    if r.shape[0] < 2:
        return np.full(r.shape[1], np.nan)
    r = f64(r)
    return r.mean(axis=0) - r.std(axis=0, ddof=1)


def kth_largest(r, rate):
    k = math.floor(r.shape[0] * rate)
    if k == 0:
        return np.full(r.shape[1], np.nan)
    kth = np.sort(f64(r), axis=0)[r.shape[0] - k]
    return np.where(np.isnan(r).any(axis=0), np.nan, kth)


def quantile(r, q):
    tokens = r.shape[0]
    if tokens == 0:
        return np.full(r.shape[1], np.nan)
    s = np.sort(f64(r), axis=0)
    position = q * (tokens - 1)
    i = math.floor(position)
    f = position - i
    value = s[i] if f == 0.0 else (1.0 - f) * s[i] + f * s[i + 1]
    return np.where(np.isnan(r).any(axis=0), np.nan, value)


def histogram(r, lo, hi, bins):
    width = np.float32(hi - lo) / np.float32(bins)
    lo, hi = np.float32(lo), np.float32(hi)
    counts = np.zeros((r.shape[1], bins), np.int32)
    for t, e in np.argwhere(~np.isnan(r)):
        b = np.floor(np.float32(np.float32(r[t, e] - lo) / width))
        b = 0 if r[t, e] < lo else bins - 1 if r[t, e] >= hi else int(min(b, bins - 1))
        counts[e, b] += 1
    return counts


def histogram_quantile(counts, q, lo, hi):
    experts, bins = counts.shape
    out = np.full(experts, np.nan)
    width = (hi - lo) / bins
    for e in range(experts):
        total = int(counts[e].sum())
        if total == 0:
            continue
        rank = q * (total - 1)
        cumulated = np.cumsum(counts[e].astype(np.int64))
        b = int(np.argmax(cumulated > rank))
        before = int(cumulated[b] - counts[e, b])
        inside = (rank - before + 0.5) / int(counts[e, b])
        out[e] = lo + (b + min(max(inside, 0.0), 1.0)) * width
    return out


def ema_update(beta, m, theta):
    m, theta = f64(m), f64(theta)
    return np.where(np.isnan(m), theta, beta * theta + (1.0 - beta) * m)


def ema_update_corrected(beta, m, raw, steps):
    """raw (f64, unrounded), steps and theta; theta is made from raw rounded to f32."""
    valid = ~np.isnan(m)
    raw = np.where(valid, beta * f64(raw) + (1.0 - beta) * f64(m), f64(raw))
    steps = steps + valid
    stored = f64(raw.astype(np.float32))
    correction = np.where(steps == 0, 1.0, 1.0 - beta ** steps.astype(np.float64))
    return raw, steps, stored / correction


def routing_stats(chosen):
    tokens, experts = chosen.shape
    loads = chosen.sum(axis=0)
    fan_out = np.bincount(chosen.sum(axis=1), minlength=experts + 1)
    figures = np.array(
        [
            loads.mean(),
            ((loads - loads.mean()) ** 2).mean(),
            fan_out[0] / tokens if tokens else 0.0,
            (loads == 0).mean(),
        ]
    )
    return loads.astype(np.int32), fan_out.astype(np.int32), figures
