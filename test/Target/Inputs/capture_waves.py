"""A layer with room for some of its pairs, captured in a graph that runs on tokens
that select fewer and on tokens that select more, against the layer with room for all."""

import sys

import numpy as np
from et_library import Driver, Library

whole, waves, driver = Library(sys.argv[1]), Library(sys.argv[2]), Driver()
seed = int(np.random.default_rng().integers(2**32))
rng = np.random.default_rng(seed)
TOKENS, EXPERTS, ROOM = 45, 4, 30
weights = [
    rng.standard_normal(s).astype(np.float32) for s in ((8, 4), (4, 8, 16), (4, 16, 8))
]
weights.append(np.zeros(EXPERTS, np.float32))


def tokens(count):
    """The others are zero, and select nothing."""
    x = np.zeros((TOKENS, 8), np.float32)
    at = rng.choice(TOKENS, count, replace=False)
    # As many scores are above zero as below.
    x[at] = rng.standard_normal((count, 8))
    return x


def check(y, x, what):
    expected = whole.call("layer", x, *weights)[0]
    assert np.any(expected), (seed, what)
    assert waves.to_numpy(y).tobytes() == expected.tobytes(), (seed, what)


on_device = [waves.to_device(w) for w in weights]
first = tokens(5)
x, y = waves.to_device(first), waves.to_device(np.zeros_like(first))
stream = driver.stream()


def call():
    waves.call_on_stream("layer", stream, [x, *on_device], [y])


call()
driver.synchronize(stream)
check(y, first, "stream")
graph = driver.capture(stream, call)
for again, count in enumerate((5, TOKENS, 6, TOKENS, TOKENS, 7)):
    x_again = tokens(count)
    pairs = int((x_again @ weights[0] > 0).sum())
    assert (pairs > ROOM) == (count == TOKENS), (seed, again, pairs)
    driver.write(x, x_again)
    driver.write(y, np.full_like(first, np.nan))
    driver.launch(graph, stream)
    check(y, x_again, ("graph", again, pairs))
driver.synchronize(stream)
for t in (x, y, *on_device):
    waves.release(t)
assert waves.device_bytes() == 0, seed
