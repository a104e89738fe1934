"""check_packed.py PACKED ROWS: fails unless the first weights file has every tensor of the
second, those of rank 3 packed as their names say, and each packed one at a cache line."""

import json
import struct
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from et_reference import pack


def read(path):
    data = Path(path).read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header, tensors = json.loads(data[8:start]), {}
    for name, fields in header.items():
        begin, end = fields["data_offsets"]
        array = np.frombuffer(data[start + begin : start + end], np.float32)
        tensors[name] = array.reshape(fields["shape"])
        if ".panels_" in name:
            assert (start + begin) % 64 == 0, name
    return tensors


def main():
    packed, rows = read(sys.argv[1]), read(sys.argv[2])
    assert len(packed) == len(rows), (sorted(packed), sorted(rows))
    for name, array in packed.items():
        weight, _, layout = name.partition(".panels_")
        expected = rows[weight]
        assert bool(layout) == (expected.ndim == 3), name
        if layout:
            expected = pack(expected, *(int(n) for n in layout.split("_")))
        assert array.shape == expected.shape, (name, array.shape, expected.shape)
        assert array.tobytes() == expected.tobytes(), name


if __name__ == "__main__":
    main()
