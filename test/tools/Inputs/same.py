"""same.py A B [TOLERANCE]: fails unless two .npy files are alike."""

import sys

import numpy as np

a, b = np.load(sys.argv[1]), np.load(sys.argv[2])
tolerance = float(sys.argv[3]) if len(sys.argv) > 3 else 0
assert a.dtype == b.dtype and a.shape == b.shape, (a.dtype, a.shape, b.dtype, b.shape)
if tolerance:
    worst = np.max(np.abs(a - b), initial=0)
    assert worst <= tolerance * np.max(np.abs(b), initial=1), worst
else:
    assert a.tobytes() == b.tobytes(), "the bytes differ"
