"""pack_library.py LIBRARY WEIGHTS TOKENS OUT: packs a layer's weights once, and calls it
twice; prints why it refuses weights in rows."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Target" / "Inputs"))

from check_packed import read
from et_library import HOST, Error, Library

library, weights = Library(sys.argv[1]), read(sys.argv[2])
tokens = np.load(sys.argv[3])
router, theta = weights["router"], weights["theta"]
w1, w2 = weights["w1"], weights["w2"]

packed = library.pack("layer", w1, w2)
(y,) = library.call("layer", tokens, router, *packed, theta)
(again,) = library.call("layer", tokens, router, *packed, theta)
assert y.tobytes() == again.tobytes()
np.save(sys.argv[4], y)
for tensor in packed:
    library.release(tensor)
assert library.lib.et_memory_current(HOST) == 0
try:
    library.call("layer", tokens, router, w1, w2, theta)
except Error as error:
    print(error)
