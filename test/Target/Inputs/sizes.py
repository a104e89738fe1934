"""sizes.mlir with sizes whose bytes 64 bits cannot count, or that are negative."""

import sys

import numpy as np
from et_library import Error, Library

library = Library(sys.argv[1])
OUT_OF_MEMORY, CHECK_FAILED = 2, 3


def refused(code, message, name, *arguments):
    try:
        library.call(name, *(np.asarray(a) for a in arguments))
    except Error as error:
        assert error.code == code and message in str(error), error
    else:
        raise AssertionError(f"{name}{arguments} was not refused")
    assert library.lib.et_memory_current(0) == library.lib.et_memory_current(1) == 0


def too_large(buffer, name, *arguments):
    message = f"a buffer of {buffer} would have a negative size or more than 2^63"
    refused(CHECK_FAILED, message, name, *arguments)


for n in (0, 3):
    (y,) = library.call("fill", np.asarray(n))
    assert y.shape == (n, 4) and (y == 1).all()
for n in (2**60, 2**59, -1, -(2**63), 2**63 - 1):
    too_large("f32[?x4]", "fill", n)
refused(OUT_OF_MEMORY, "", "fill", 2**56)

for sizes in ((2, 3, 4), (0, 2**40, 5), (2**40, 5, 0)):
    (y,) = library.call("fill_all", *map(np.asarray, sizes))
    assert y.shape == sizes and (y == 1).all()
for sizes in (
    (2**31, 2**31, 1),
    (2**32, 2**32, 2**32),
    (1, 2**62, 1),
    (1, 1, 2**63 - 1),
    (3, -1, 5),
    (0, 0, -1),
    (-1, -1, 1),
    (2**63 - 1, 2**63 - 1, 2**63 - 1),
):
    too_large("bf16[?x?x?]", "fill_all", *sizes)


def layer(t, d, e, f):
    shapes = (t, d), (d, e), (e,), (e, d, f), (e, f, d)
    x, router, theta, w1, w2 = (np.full(s, -1, np.float32) for s in shapes)
    return x, router, theta, w1, w2


# Of nothing, but hidden units of 16 pairs take 2^64 bytes.
too_large("f32[?x?]", "layer", *layer(16, 0, 1, 2**58))
(y,) = library.call("layer", *layer(16, 0, 1, 8))
assert y.shape == (16, 0)
