"""The conversions of 16-bit floats, against NumPy's and ml_dtypes'.

A 16-bit float travels in the low bits of the register that carries a float,
which is how ctypes passes it.
"""

import ctypes
import sys

import ml_dtypes
import numpy as np

library = ctypes.CDLL(sys.argv[1])


def function(name):
    f = getattr(library, name)
    f.argtypes, f.restype = [ctypes.c_float], ctypes.c_float
    return f


def as_float(bits):
    return float(np.uint32(bits).view(np.float32))


def low16(value):
    return int(np.float32(value).view(np.uint32)) & 0xFFFF


def same(actual, expected, dtype, what):
    a, b = np.uint16(actual).view(dtype), np.uint16(expected).view(dtype)
    assert actual == expected or (np.isnan(a) and np.isnan(b)), (
        what,
        hex(actual),
        hex(expected),
    )


seed = int(np.random.default_rng().integers(2**32))
rng = np.random.default_rng(seed)
halves = np.arange(2**16, dtype=np.uint16)
# Every f16, its neighbours in f32, the middles between two, and random bits.
exact = halves.view(np.float16).astype(np.float32).view(np.uint32)
bits = np.concatenate(
    [
        exact[::7] + np.uint32(d)
        for d in (0, 1, 2**32 - 1, 4095, 4096, 4097, 0x7FFF, 0x8000, 0x8001)
    ]
    + [
        rng.integers(0, 2**32, 20000, dtype=np.uint32),
        rng.integers(0, 0x39000000, 20000, dtype=np.uint32),
    ]
)
with np.errstate(all="ignore"):
    values = bits.view(np.float32)
    f16 = values.astype(np.float16).view(np.uint16)
    bf16 = values.astype(ml_dtypes.bfloat16).view(np.uint16)
truncate16, truncate_b16, extend = map(
    function, ("__truncsfhf2", "__truncsfbf2", "__extendhfsf2")
)
for value, bit, h, b in zip(values, bits, f16, bf16, strict=True):
    # A signalling NaN would be quieted on its way through Python's double.
    if np.isnan(value):
        bit |= 0x400000
        value = as_float(bit)
    same(low16(truncate16(value)), int(h), np.float16, (seed, hex(bit)))
    same(low16(truncate_b16(value)), int(b), ml_dtypes.bfloat16, (seed, hex(bit)))
for half in halves:
    result = np.float32(extend(as_float(half)))
    expected = half.view(np.float16).astype(np.float32)
    assert result.view(np.uint32) == expected.view(np.uint32) or (
        np.isnan(result) and np.isnan(expected)
    ), (seed, half)
