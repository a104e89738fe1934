# ===- test_math.py - math ops beside layers --------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Every op of MLIR's math dialect on tensors, on every target.

Functions of f32 are held to the table in docs/AroundLayers.md, which promises at most 4
units in the last place, against NumPy's f64. A module has all functions, so
that each target compiles once.
"""

import itertools
import math
import re
from functools import cache

import ml_dtypes
import numpy as np
import pytest

import et_tools
from et_tools import ROOT

SEED = 2
TARGETS = ("reference", "cpu", "sm_80")
f32, f64 = np.float32, np.float64
erf, erfc = (np.vectorize(f, otypes=[f64]) for f in (math.erf, math.erfc))

UNARY = {
    "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh,
    "atan": np.arctan, "atanh": np.arctanh, "cbrt": np.cbrt, "cos": np.cos,
    "cosh": np.cosh, "erf": erf, "erfc": erfc, "exp": np.exp, "exp2": np.exp2,
    "expm1": np.expm1, "log": np.log, "log10": np.log10, "log1p": np.log1p,
    "log2": np.log2, "rsqrt": lambda x: 1 / np.sqrt(x), "sin": np.sin,
    "sinh": np.sinh, "sqrt": np.sqrt, "tan": np.tan, "tanh": np.tanh,
}  # fmt: skip
BINARY = {"atan2": np.arctan2, "powf": np.power}
# No more than one rounding, and most have none.
EXACT = {
    "absf": np.abs, "ceil": np.ceil, "floor": np.floor, "trunc": np.trunc,
    "roundeven": np.rint,
    "round": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
}  # fmt: skip
CLASSES = {
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "isnan": np.isnan,
    "isnormal": lambda x: np.isfinite(x) & (np.abs(x) >= np.finfo(x.dtype).tiny),
}
EDGES = [
    0.0, 1.0, 0.5, 2.0, 1.5, 2.5, 3.0, np.inf, np.nan, 2.0**-149, 2.0**-126, 2.0**-127,
    np.pi / 4, np.pi / 2, np.pi, 88.72283, 88.72284, 103.97208, 89.41598, 9.0109, 87.3365,
    10.0541, 2.0**22 + 0.5, 2.0**23 + 1, 2.0**24, 3.4028235e38, 0.49999997, 1.0000001,
    0.99999994, 127.99999, 128.0, 149.0, 149.5, 150.0, 16367173.0 * 2**72, 6.7108864e7,
]  # fmt: skip


def samples(count, seed):
    """Bit patterns of any value, numbers around 0 and 1, and the edges."""
    rng = np.random.default_rng(seed)
    any_bits = rng.integers(0, 2**32, count, dtype=np.uint64).astype(np.uint32)
    edges = np.array(EDGES, f32)
    values = np.concatenate([
        np.concatenate([edges, -edges]),
        any_bits.view(f32),
        rng.uniform(-10, 10, count).astype(f32),
        rng.uniform(-120, 120, count).astype(f32),
        (1 + rng.standard_normal(count) * 2.0 ** rng.uniform(-24, 0, count)).astype(f32),
    ])  # fmt: skip
    # Of NaNs that signal, C does not say what a power of 0 is.
    return np.where(np.isnan(values), f32(np.nan), values)


def module(lines, arguments, types):
    """@main of the lines, each an op; one of two results has a pair of types."""
    body, names, flat = [], [], []
    for i, (line, type) in enumerate(zip(lines, types, strict=True)):
        pair = isinstance(type, tuple)
        body.append(f"  %r{i}{':2' if pair else ''} = {line}")
        names += [f"%r{i}#0", f"%r{i}#1"] if pair else [f"%r{i}"]
        flat += type if pair else [type]
    parameters = ", ".join(f"%{name}: {type}" for name, type in arguments.items())
    types = ", ".join(flat)
    return (
        f"func.func @main({parameters}) -> ({types}) {{\n"
        + "\n".join(body)
        + f"\n  return {', '.join(names)} : {types}\n}}\n"
    )


def units(found, exact):
    """How far results are off, in units in the last place of f32."""
    with np.errstate(over="ignore", invalid="ignore"):
        nearest = exact.astype(f32)
        _, exponent = np.frexp(exact)
        unit = np.ldexp(1.0, np.clip(exponent, -125, 128) - 24)
        # The number that would follow the largest stands for infinity.
        finite = np.where(np.isinf(found), np.copysign(2.0**128, found), found)
        off = np.abs(finite.astype(f64) - exact) / unit
    same = (found == nearest) | (np.isnan(found) & np.isnan(nearest))
    off = np.where(same & ~np.isfinite(exact), 0, off)
    off = np.where(same & np.isinf(nearest), 0, off)
    return np.where(np.isnan(off) | (np.isnan(found) != np.isnan(nearest)), np.inf, off)


@cache
def promised():
    """The table of docs/AroundLayers.md: function, and its units in the last place."""
    text = (ROOT / "docs" / "AroundLayers.md").read_text()
    table = text.split("| function | units |", 1)[1].split("\n\n", 1)[0]
    found = {}
    for names, bound in re.findall(r"^\| (.+?) \| ([\d.]+) \|", table, re.M):
        found.update(dict.fromkeys(re.findall(r"`(\w+)`", names), float(bound)))
    return found


T = "tensor<?xf32>"
SIGNED = {"x": T, "y": T, "z": T, "n": "tensor<?xi32>"}
FUNCTIONS = [
    *(f"math.{name} %x : {T}" for name in [*UNARY, *EXACT]),
    *(f"math.{name} %x, %y : {T}" for name in BINARY),
    f"math.fpowi %x, %n : {T}, tensor<?xi32>",
    f"math.copysign %x, %y : {T}",
    f"math.fma %x, %y, %z : {T}",
    f"math.clampf %x to [%y, %z] : {T}",
]


@cache
def inputs(count):
    x = samples(count, SEED)
    rng = np.random.default_rng(SEED + 1)
    y = rng.permutation(samples(count, SEED + 2))
    # Exponents whose powers are neither 0 nor infinite.
    small = rng.random(len(x)) < 0.5
    with np.errstate(all="ignore"):
        fitting = rng.uniform(-130, 130, len(x)) / np.log2(np.abs(x.astype(f64)))
        y = np.where(small & np.isfinite(fitting), fitting, y).astype(f32)
        whole = rng.random(len(x)) < 0.3
        y = np.where(whole, np.rint(y), y)
        n = np.clip(np.nan_to_num(np.rint(y.astype(f64))), -(2**31), 2**31 - 1)
    z = rng.permutation(x)
    return x, y, z, n.astype(np.int32)


def run_functions(arrays, target):
    text = module(FUNCTIONS, SIGNED, [T] * len(FUNCTIONS))
    return et_tools.run(text, arrays, ["f32"] * len(FUNCTIONS), target)


@cache
def functions(target, count):
    return run_functions(list(inputs(count)), target)


def exact_powi(x, n):
    power = np.abs(x) ** n.astype(f64)
    power = np.where(np.signbit(x) & (n % 2 != 0), -power, power)
    return np.where(np.isnan(x) & (n != 0), x, power)


def exact_fma(x, y, z):
    # A product of f32 is exact in f64, and a sum is in more.
    return (x.astype(np.longdouble) * y + z).astype(f64)


@pytest.mark.parametrize(("target", "count"), [("reference", 20000), ("cpu", 60000)])
def test_functions_are_as_near_as_promised(target, count):
    x, y, z, n = inputs(count)
    found = functions(target, count)
    with np.errstate(all="ignore"):
        wide, wider, widest = (a.astype(f64) for a in (x, y, z))
        exact = [f(wide) for f in [*UNARY.values(), *EXACT.values()]]
        exact += [f(wide, wider) for f in BINARY.values()]
        exact += [exact_powi(wide, n), np.copysign(wide, wider)]
        exact += [exact_fma(x, y, z), np.minimum(np.maximum(wide, wider), widest)]
    names = [re.match(r"math\.(\w+)", line)[1] for line in FUNCTIONS]
    bounds = {**promised(), **dict.fromkeys([*EXACT, "copysign", "clampf"], 0)}
    assert max(bounds.values()) <= 4
    report, wrong = [], []
    for name, result, value in zip(names, found, exact, strict=True):
        off = units(result, value)
        worst = int(np.argmax(off))
        report.append(f"{name} {off[worst]:.2f}")
        bound = 4 if target == "reference" and bounds[name] else bounds[name]
        zero = (value == 0) & (np.signbit(value) != np.signbit(result))
        if off[worst] > bound or zero.any():
            k = worst if off[worst] > bound else int(np.argmax(zero))
            wrong.append(
                f"{name}: {off[k]:.2f} units at x={x[k]!r} y={y[k]!r} z={z[k]!r} "
                f"n={n[k]}: {result[k]!r}, not {value[k]!r}"
            )
    print(f"seed {SEED}, {len(x)} samples on {target}: {', '.join(report)}")
    assert not wrong, "\n".join(wrong)


def test_kernels_compute_what_vectors_compute():
    # The edges come first.
    some = np.r_[: 2 * len(EDGES), 2 * len(EDGES) : 240000 : 1201]
    found = run_functions([array[some] for array in inputs(60000)], "sm_80")
    for line, a, b in zip(FUNCTIONS, functions("cpu", 60000), found, strict=True):
        a = a[some]
        np.testing.assert_array_equal(a, b, err_msg=line)  # NaN equals NaN
        assert (np.signbit(a) == np.signbit(b))[~np.isnan(a)].all(), line


HALVES = ["exp", "rsqrt", "tanh", "round", "absf", "erf"]


def around_ties(dtype, step):
    """f64 numbers at and next to the middles of 16-bit numbers, and what is nearest."""
    infinity = int(np.array(np.inf, dtype).view(np.uint16))
    bits = np.r_[: infinity - 1 : step, infinity - 1].astype(np.uint16)
    low, high = bits.view(dtype).astype(f64), (bits + 1).astype(np.uint16).view(dtype)
    # The number that would follow the largest stands for infinity.
    largest = low[-1]
    high = np.where(np.isinf(high), 2 * largest - low[-2], high.astype(f64))
    high[-1] = 2.0 ** np.ceil(np.log2(largest))
    middle = (low + high) / 2
    values = [np.nextafter(middle, 0), middle, np.nextafter(middle, np.inf)]
    nearest = [bits, bits + (bits & 1), bits + 1]
    nearest = np.concatenate(nearest).astype(np.uint16)
    values = np.concatenate(values)
    return np.r_[values, -values, np.nan, -np.inf], np.r_[
        nearest.view(dtype), -nearest.view(dtype), np.array([np.nan, -np.inf], dtype)
    ]


def powers_of_f64():
    """Bases and exponents whose powers have all sizes, subnormal ones too."""
    bases = np.array(
        [2, -2, 0.5, 10, -3, 1.0000001, 0.0, -0.0, np.inf, -np.inf, np.nan]
    )
    exponents = [
        0,
        1,
        -1,
        7,
        -8,
        308,
        -310,
        -323,
        -651,
        1022,
        -1060,
        1074,
        -1074,
        -1075,
    ]
    exponents += [2**31 - 1, -(2**31)]
    b, n = (a.ravel() for a in np.meshgrid(bases, np.array(exponents, np.int32)))
    with np.errstate(all="ignore"):
        return b, n, np.power(b.astype(np.longdouble), n).astype(f64)


def round_integer(value, digits, largest):
    """The nearest float with so many binary digits, the even one at a tie."""
    size, cut = abs(value), max(abs(value).bit_length() - digits, 0)
    kept, rest = size >> cut, size & ((1 << cut) - 1)
    half = (1 << cut) // 2
    kept += cut > 0 and (rest > half or (rest == half and kept % 2 == 1))
    rounded = np.inf if kept << cut > largest else float(kept << cut)
    return rounded if value >= 0 else -rounded


@pytest.mark.parametrize("target", TARGETS)
def test_integers_to_16_bits(target):
    """Integers at and next to ties are rounded once, though f32 would round them first."""
    arguments, arrays, lines, types, expected = {}, [], [], [], []
    for width, op in itertools.product((32, 64), ("sitofp", "uitofp")):
        low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1)
        if op == "uitofp":
            low, high = 0, 2**width - 1
        ties = [
            sign * (((2 * mantissa + 1) << shift) + off)
            for mantissa, shift in itertools.product(
                (64, 65, 127, 128, 129, 255, 513, 1024, 2047), range(width)
            )
            for sign, off in itertools.product((1, -1), (-1, 0, 1))
        ]
        values = [0, low, high, *(v for v in ties if low <= v <= high)]
        name, kind = f"{op[0]}{width}", f"tensor<?xi{width}>"
        arguments[name] = kind
        arrays.append(np.array(values, f"{op[0].replace('s', 'i')}{width // 8}"))
        for element, digits, largest in (("f16", 11, 65504), ("bf16", 8, np.inf)):
            types.append(f"tensor<?x{element}>")
            lines.append(f"arith.{op} %{name} : {kind} to {types[-1]}")
            expected.append([round_integer(v, digits, largest) for v in values])
    found = et_tools.run(
        module(lines, arguments, types),
        [a.view(f"i{a.itemsize}") for a in arrays],
        [re.search(r"x(\w+)>", type)[1] for type in types],
        target,
    )
    for line, result, value in zip(lines, found, expected, strict=True):
        np.testing.assert_array_equal(result.astype(f64), value, err_msg=line)


@pytest.mark.parametrize("target", TARGETS)
def test_other_types(target):
    """16-bit floats are computed in f32 and rounded; classes and integers are exact."""
    every = np.arange(0, 2**16, 1 if target == "cpu" else 97).astype(np.uint16)
    kinds = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": f32}
    arrays = {kind: every.view(dtype) for kind, dtype in kinds.items() if kind != "f32"}
    arrays["f32"] = samples(50, SEED)
    rng = np.random.default_rng(SEED)
    integers = np.r_[0, 1, -1, 2**31 - 1, -(2**31), rng.integers(-(2**31), 2**31, 100)]
    integers = integers.astype(np.int32)
    exponents = np.r_[0, 1, 2, -1, -2, rng.integers(-3, 40, 100)].astype(np.int32)
    bases = np.r_[0, 1, -1, 2, -2, rng.integers(-9, 10, 100)].astype(np.int32)

    lines, types, expected = [], [], []

    def add(line, type, value):
        lines.append(line)
        types.append(type)
        expected.append(value)

    with np.errstate(all="ignore"):
        for kind, array in arrays.items():
            type = f"tensor<?x{kind}>"
            for name in HALVES if kind != "f32" else []:
                exact = {**UNARY, **EXACT}[name](array.astype(f64)).astype(f32)
                add(f"math.{name} %{kind} : {type}", type, exact.astype(kinds[kind]))
            for name, holds in CLASSES.items():
                value = holds(array) if kind != "bf16" else holds(array.astype(f32))
                add(f"math.{name} %{kind} : {type}", "tensor<?xi1>", value)
    i = "tensor<?xi32>"
    unsigned = integers.astype(np.uint32)
    bits = [f"{v:032b}" for v in unsigned]
    add(f"math.absi %i : {i}", i, np.abs(integers))
    add(f"math.ctpop %i : {i}", i, np.bitwise_count(unsigned))
    add(f"math.ctlz %i : {i}", i, [len(b) - len(b.lstrip("0")) for b in bits])
    add(f"math.cttz %i : {i}", i, [len(b) - len(b.rstrip("0")) for b in bits])
    powers = [
        int(b) ** int(n) if n >= 0 else int(b) ** (int(n) % 2) if abs(b) == 1 else 0
        for b, n in zip(bases, exponents, strict=True)
    ]
    wrapped = [(p + 2**31) % 2**32 - 2**31 for p in powers]
    add(f"math.ipowi %b, %e : {i}", i, wrapped)

    for kind in ("f16", "bf16"):
        array, type = arrays[kind], f"tensor<?x{kind}>"
        arrays[f"{kind}r"] = array[::-1].copy()
        for name, numpys in (("minnumf", np.fmin), ("maxnumf", np.fmax)):
            value = numpys(array.astype(f32), arrays[f"{kind}r"].astype(f32))
            add(f"arith.{name} %{kind}, %{kind}r : {type}", type, value)
        wide, nearest = around_ties(kinds[kind], 1 if target == "cpu" else 97)
        arrays[f"{kind}t"] = wide
        add(f"arith.truncf %{kind}t : tensor<?xf64> to {type}", type, nearest)
    base, whole, power = powers_of_f64()
    add("math.fpowi %p, %w : tensor<?xf64>, tensor<?xi32>", "tensor<?xf64>", power)

    bytes = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn)
    add(
        "arith.extf %f8E4M3FN : tensor<?xf8E4M3FN> to tensor<?xf32>",
        T,
        bytes.astype(f32),
    )
    arrays["f8E4M3FN"] = bytes

    arguments = {
        name: f"tensor<?x{'f64' if name.endswith('t') else name.removesuffix('r')}>"
        for name in arrays
    }
    arguments |= {"i": i, "b": i, "e": i, "p": "tensor<?xf64>", "w": i}
    found = et_tools.run(
        module(lines, arguments, types),
        [*arrays.values(), integers, bases, exponents, base, whole],
        [re.search(r"x(\w+)>", type)[1] for type in types],
        target,
    )
    for line, result, value in zip(lines, found, expected, strict=True):
        value = np.asarray(value)
        if "fpowi" in line:
            # A product for each bit of the exponent, and at the end a subnormal number.
            with np.errstate(all="ignore"):
                bound = 2.0**-52 * np.abs(whole.astype(f64) * value) + 2.0**-1073
            finite = np.isfinite(value) & np.isfinite(result)
            off = np.abs(result[finite] - value[finite])
            assert (off <= bound[finite]).all(), line
            np.testing.assert_array_equal(result[~finite], value[~finite], err_msg=line)
            assert (np.signbit(result) == np.signbit(value))[~np.isnan(value)].all(), (
                line
            )
        elif "f16" in line and "math" in line and result.dtype != bool:
            # The nearest, or a neighbour where f32 lies on the other side of a tie.
            step = np.abs(
                result.view(np.int16).astype(int) - value.view(np.int16).astype(int)
            )
            both = np.isnan(value.astype(f32)) & np.isnan(result.astype(f32))
            assert np.where(both, 0, step).max() <= 1, line
            assert (step != 0)[~both].mean() < 0.01, line
        else:
            if "f16" in line:
                result, value = result.astype(f32), value.astype(f32)
            np.testing.assert_array_equal(result, value, err_msg=line)


def test_f64_and_sincos():
    """f64 goes to the math library; sincos has two results."""
    d = "tensor<?xf64>"
    names = [*UNARY, *EXACT]
    lines = [f"math.{name} %d : {d}" for name in names]
    lines += [f"math.fpowi %d, %n : {d}, tensor<?xi32>", f"math.powf %d, %p : {d}"]
    lines.append(f"math.sincos %x : {T}")
    types = [d] * (len(lines) - 1) + [(T, T)]
    rng = np.random.default_rng(SEED)
    x = np.r_[0.25, 1, 2.5, 1e-9, rng.uniform(0, 4, 30)]
    n = rng.integers(-9, 9, len(x)).astype(np.int32)
    p = rng.uniform(-3, 3, len(x))
    angles = rng.uniform(-1e6, 1e6, len(x)).astype(f32)
    *found, sine, cosine = et_tools.run(
        module(lines, {"d": d, "n": "tensor<?xi32>", "p": d, "x": T}, types),
        [x, n, p, angles],
        ["f64"] * len(names) + ["f64", "f64", "f32", "f32"],
        "cpu",
    )
    with np.errstate(all="ignore"):
        exact = [f(x) for f in [*UNARY.values(), *EXACT.values()]]
    exact += [x ** n.astype(f64), x**p]
    for line, result, value in zip(lines, found, exact, strict=False):
        np.testing.assert_allclose(result, value, rtol=1e-14, err_msg=line)
    assert units(sine, np.sin(angles.astype(f64))).max() <= promised()["sin"]
    assert units(cosine, np.cos(angles.astype(f64))).max() <= promised()["cos"]
