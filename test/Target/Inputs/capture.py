"""layer.mlir on a caller's stream, and captured in a graph that runs again on
other tokens, against plain calls."""

import sys

import numpy as np
from et_library import Driver, Error, Library

library, driver = Library(sys.argv[1]), Driver()
seed = int(np.random.default_rng().integers(2**32))
rng = np.random.default_rng(seed)
TOKENS = 45


def tokens():
    return rng.standard_normal((TOKENS, 8)).astype(np.float32)


def check(y, x, what):
    """The bits are those of a plain call."""
    expected = library.call("layer", x, *weights)[0]
    assert np.any(expected), (seed, what)
    actual = library.to_numpy(y)
    assert actual.tobytes() == expected.tobytes(), (seed, what)


def refused(code, text, run):
    try:
        run()
    except Error as error:
        assert error.code == code and text in str(error), error
        return
    raise AssertionError(f"not refused: {text}")


weights = [
    rng.standard_normal(s).astype(np.float32) for s in ((8, 4), (4, 8, 16), (4, 16, 8))
]
weights.append(np.zeros(4, np.float32))
on_device = [library.to_device(w) for w in weights]
first = tokens()
x, y = library.to_device(first), library.to_device(np.zeros_like(first))
own = library.device_bytes()
stream = driver.stream()


def call(**changes):
    use = {"stream": stream, "x": x, "y": y} | changes
    library.call_on_stream("layer", use["stream"], [use["x"], *on_device], [use["y"]])


for s in (stream, None):
    driver.write(y, np.zeros_like(first))
    call(stream=s)
    driver.synchronize(s)
    check(y, first, "stream")
assert library.device_bytes() == own, seed

graph = driver.capture(stream, call)
assert library.device_bytes() == own, seed
for again in range(3):
    x_again = tokens()
    driver.write(x, x_again)
    driver.launch(graph, stream)
    check(y, x_again, ("graph", again))

host = library.tensor(first)
refused(
    1,
    "argument 0 'x' lies on the host, but a call on a stream works in CUDA memory",
    lambda: call(x=host),
)
refused(1, "result 0 'y' lies on the host", lambda: call(y=host))
short = library.to_device(first[:-1])
refused(
    1,
    "result 0 'y' has size 45 in dimension 0, but there is room for 44",
    lambda: call(y=short),
)
wide = library.to_device(np.zeros((TOKENS, 9), np.float32))
refused(1, "result 0 'y' must be f32[?x8], but is f32[45x9]", lambda: call(y=wide))
driver.synchronize(stream)
for t in (x, y, short, wide, *on_device):
    library.release(t)
assert library.device_bytes() == 0, seed
