"""control_flow.mlir's two calls in a graph; or the refusal of a host function."""

import sys

import numpy as np
from et_library import Driver, Error, Library

library = Library(sys.argv[1])
if not library.function("layer").memory:
    try:
        library.call_on_stream(
            "layer", None, [library.tensor(np.ones((2, 8), np.float32))] * 5, []
        )
    except Error as error:
        assert error.code == 1, error
        assert "layer: has 1 results, but there is room for 0" in str(error), error
    weights = [
        np.zeros(s, np.float32) for s in ((2, 8), (8, 4), (4, 8, 16), (4, 16, 8), (4,))
    ]
    tensors = [library.tensor(w) for w in weights]
    try:
        library.call_on_stream("layer", None, tensors, tensors[:1])
        raise AssertionError("not refused")
    except Error as error:
        assert error.code == 1, error
        assert str(error).startswith("layer works on the host and knows no streams"), (
            error
        )
    sys.exit()

driver = Driver()
stream = driver.stream()
zeros = np.zeros(7, np.float32)
x, a, b = (library.to_device(zeros) for _ in range(3))


def call():
    library.call_on_stream("calls", stream, [x], [a, b])


call()
driver.synchronize(stream)
own = library.device_bytes()
graph = driver.capture(stream, call)
for scale in (1, -3):
    values = np.arange(7, dtype=np.float32) * scale
    driver.write(x, values)
    driver.launch(graph, stream)
    assert np.array_equal(library.to_numpy(a), values**2)
    assert np.array_equal(library.to_numpy(b), 4 * values**2)
assert library.device_bytes() == own
