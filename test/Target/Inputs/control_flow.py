"""control_flow.mlir on a device against NumPy: values, memory left behind and
memory freed twice, for every way through it."""

import ctypes
import itertools
import os
import sys
import tempfile

import numpy as np
from et_library import Driver, Library

library, driver = Library(sys.argv[1]), Driver()
# Bytes that were freed behind the runtime's back: outside a call, what the code
# returns has no owner to release.
freed = 0
seed = int(np.random.default_rng().integers(2**32))
rng = np.random.default_rng(seed)


def silent(run):
    """The result of `run`, which must print nothing: outside a call, the runtime
    has no one but the standard error stream to tell what the driver refused."""
    with tempfile.TemporaryFile() as log:
        stderr = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            result = run()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        log.seek(0)
        said = log.read().decode()
    assert not said, said
    return result


def check(name, expected, *arrays, bound=0):
    """Values agree within `bound`, an error for each element."""
    global freed
    what = (seed, name, [a.tolist() for a in arrays if a.ndim == 0])
    actual = library.call(name, *arrays)
    assert len(actual) == len(expected), what
    for a, b in zip(actual, expected, strict=True):
        assert a.shape == b.shape and np.all(np.abs(a - b) <= bound), what
    assert library.device_bytes() == freed, what

    tensors = [
        library.tensor(a) if a.ndim == 0 else library.to_device(a) for a in arrays
    ]
    before = library.device_bytes()
    results = silent(lambda: library.run_entry(name, tensors))
    # A result may be an argument's memory or another result's.
    inputs = {t.data for t in tensors}
    fresh = dict(r for r in results if r[0] not in inputs)
    assert library.device_bytes() - before == sum(fresh.values()), what
    for address in fresh:
        driver("cuMemFree_v2", ctypes.c_uint64(address))
    freed += sum(fresh.values())
    for t in tensors:
        library.release(t)
    assert library.device_bytes() == freed, what


def layer(gates, x, w1, w2):
    hidden = np.maximum(np.einsum("td,edf->etf", x, w1), 0) ** 2
    return np.einsum("te,etf,efd->td", gates, hidden, w2)


flags = [np.array(False), np.array(True)]
for size in (0, 1, 5, 300):
    x, z = rng.standard_normal((2, size)).astype(np.float32)
    for p, q in itertools.product(flags, flags):
        check("one", [2 * x if p else z], x, z, p)
        y = 2 * x if p else 4 * x
        check("two", [y, y if q else z], x, z, p, q)
    check("calls", [x * x, 4 * x * x], x)
    for n, p in itertools.product(range(4), flags):
        check("loop", [x * (2 if p else 4) ** n], x, np.array(n), p)

router, w1, w2 = (
    rng.standard_normal(s).astype(np.float32) for s in ((8, 4), (4, 8, 16), (4, 16, 8))
)
theta = np.zeros(4, np.float32)
for tokens in (0, 1, 45):
    x = rng.standard_normal((tokens, 8)).astype(np.float32)
    scores = x @ router
    gates = np.where(scores > theta, 1 / (1 + np.exp(-scores)), 0)
    wide = [gates, *(a.astype(np.float64) for a in (x, w1, w2))]
    y = layer(*wide)
    # Half a unit in the last place of f32, for each of the operations that a
    # result goes through, of the sum without any cancellation.
    bound = 2.0**-24 * (2 * 8 + 16 + 4 + 16) * layer(*map(np.abs, wide))
    for p in flags:
        # A score this near to its threshold may lie on either side of it.
        if not p or not np.any(np.abs(scores) < 1e-5):
            check(
                "layer",
                [y if p else x],
                x,
                router,
                theta,
                w1,
                w2,
                p,
                bound=bound if p else 0,
            )
