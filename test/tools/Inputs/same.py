"""same.py A B [ERROR]: fails unless two .npy files hold the same bytes, or A is, at
each element, within the third file's number of B."""

import sys

import numpy as np

a, b = np.load(sys.argv[1]), np.load(sys.argv[2])
assert a.shape == b.shape, (a.shape, b.shape)
if len(sys.argv) > 3:
    off, error = np.abs(a - b), np.load(sys.argv[3])
    assert (off <= error).all(), f"off by up to {(off / error).max()} times the bound"
else:
    assert a.dtype == b.dtype, (a.dtype, b.dtype)
    assert a.tobytes() == b.tobytes(), "the bytes differ"
