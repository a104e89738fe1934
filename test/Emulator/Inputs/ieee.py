# ===- ieee.py - floating-point arithmetic from its definition -------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Sums, products, quotients and roots as exact fractions, rounded once.

Nothing here uses the arithmetic of the host but for infinities and NaNs, so it
is a reference for every rounding, format and width alike.
"""

import math
from fractions import Fraction

import ml_dtypes
import numpy as np

# Element type: bits of precision, exponents of the least and the greatest normal.
FORMATS = {
    "f16": (11, -14, 15),
    "bf16": (8, -126, 127),
    "tf32": (11, -126, 127),
    "f32": (24, -126, 127),
    "f64": (53, -1022, 1023),
    "e5m2": (3, -14, 15),
}
DTYPES = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
}


def rounded(x, form, mode):
    """The fraction as a float of the format; the modes are those of PTX."""
    precision, low, high = FORMATS[form]
    if x == 0:
        return 0.0
    a = abs(x)
    exponent = a.numerator.bit_length() - a.denominator.bit_length()
    if a < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, low) - precision + 1)
    whole, rest = divmod(a, unit)
    up = {
        "rn": rest * 2 > unit or (rest * 2 == unit and whole % 2 == 1),
        "rna": rest * 2 >= unit,
        "rz": False,
        "rm": rest and x < 0,
        "rp": rest and x > 0,
    }[mode]
    result = (whole + bool(up)) * unit
    largest = (2 - Fraction(2) ** (1 - precision)) * Fraction(2) ** high
    if result > largest:
        away = mode in ("rn", "rna") or mode == ("rm" if x < 0 else "rp")
        result = math.inf if away else largest
    return -float(result) if x < 0 else float(result)


def root(x):
    """A square root, exact or with a bit that says that it is not."""
    scale = 4**700
    product = x * scale
    whole = math.isqrt(product.numerator // product.denominator)
    inexact = whole * whole != product
    return Fraction(2 * whole + inexact, 2 * 2**700)


def exact(op, a, b, c):
    """The result as a fraction, or a float that is no number or has a zero's sign;
    of a sum that is zero the parts' signs decide, which are in the second value."""
    if op in ("add", "sub", "fma"):
        if op == "fma":
            product = a * b if math.isinf(a) or math.isinf(b) else None
            if a != a or b != b or (product is not None and product != product):
                return math.nan, None
            negative = math.copysign(1, a) * math.copysign(1, b) < 0
            part = Fraction(a) * Fraction(b) if product is None else product
        else:
            part, c = a, (-b if op == "sub" else b)
            negative = math.copysign(1, a) < 0
            if not math.isinf(a) and a == a:
                part = Fraction(a)
        if isinstance(part, float) or math.isinf(c) or c != c:
            return (part if isinstance(part, float) else 0.0) + c, None
        total = part + Fraction(c)
        minus = math.copysign(1, c) < 0
        alike = (part == 0) and c == 0 and negative == minus
        return total, (negative if alike else None)
    if op == "mul":
        if not (math.isfinite(a) and math.isfinite(b)):
            return a * b, None
        return Fraction(a) * Fraction(b), math.copysign(1, a) * math.copysign(1, b) < 0
    if op in ("div", "rcp"):
        if op == "rcp":
            a, b = 1.0, a
        negative = math.copysign(1, a) * math.copysign(1, b) < 0
        if a != a or b != b or (math.isinf(a) and math.isinf(b)) or a == b == 0:
            return math.nan, None
        if math.isinf(a) or b == 0:
            return -math.inf if negative else math.inf, None
        if math.isinf(b):
            return Fraction(0), negative
        return Fraction(a) / Fraction(b), negative
    assert op == "sqrt"
    if a != a or a < 0:
        return math.nan, None
    if a == 0 or math.isinf(a):
        return (a, None) if a else (Fraction(0), math.copysign(1, a) < 0)
    return root(Fraction(a)), False


def flushed(v, form):
    small = v == v and abs(v) < 2.0 ** FORMATS[form][1]
    return math.copysign(0.0, v) if small else v


def arithmetic(op, form, mode, words, *operands):
    """An array operation; `words` are PTX's: ftz, sat, relu."""
    out = []
    for values in zip(*(o.astype(np.float64) for o in operands), strict=True):
        values = [float(v) for v in values]
        if "ftz" in words:
            values = [flushed(v, form) for v in values]
        values += [0.0] * (3 - len(values))
        result, negative = exact(op, *values)
        if isinstance(result, Fraction):
            if result == 0:
                minus = mode == "rm" if negative is None else negative
                v = -0.0 if minus else 0.0
            else:
                v = rounded(result, form, mode)
        else:
            v = result
        if "ftz" in words:
            v = flushed(v, form)
        if "sat" in words:
            v = min(v, 1.0) if v > 0 else 0.0
        if "relu" in words:
            v = v if v > 0 or v != v else 0.0
        out.append(v)
    return np.array(out).astype(DTYPES[form])


def specials(rng, form, count):
    """Random numbers and random bits of a format, with its edges."""
    dtype = DTYPES[form]
    width = dtype.itemsize
    bits = rng.integers(0, 2 ** (8 * width), count, np.uint64, endpoint=False)
    x = bits.astype(f"u{width}").view(dtype).copy()
    half = count // 2
    x[:half] = (rng.standard_normal(half) * 2.0 ** rng.integers(-6, 6, half)).astype(
        dtype
    )
    edges = [0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 0.5, 1.5, 2.5, -3.5, 0.25]
    x[: len(edges)] = np.array(edges).astype(dtype)
    least = np.arange(1, 9).astype(f"u{width}").view(dtype)  # subnormal numbers
    x[len(edges) : len(edges) + 8] = least
    x[len(edges) + 8] = -least[3]
    return rng.permutation(x)
