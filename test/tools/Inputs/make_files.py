"""Writes the inputs of the tools' tests, good and bad, into the folder named."""

import json
import struct
import sys
from pathlib import Path

import ml_dtypes
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from et_large import likely_layer

folder = Path(sys.argv[1])
rng = np.random.default_rng(7)


def save(name, array):
    np.save(folder / name, array)


def safetensors(name, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def weights(name, arrays, pad=0):
    header, data = {}, b""
    for key, array in arrays.items():
        header[key] = entry(array.shape, len(data), len(data) + array.nbytes)
        data += array.tobytes()
    # Spaces after the object move the data off its alignment.
    safetensors(name, json.dumps(header).encode() + b" " * pad, data)


# Good: @scale and @same.
x = rng.standard_normal((5, 4)).astype(np.float32)
w = np.arange(1, 5, dtype=np.float32)
save("x.npy", x)
save("w.npy", w)
save("by.npy", np.float32(2))
save("y.npy", x * w * 2)
save("x7.npy", np.ones((7, 4), np.float32))
save("x0.npy", np.ones((0, 4), np.float32))
save("bf16.npy", np.arange(6).astype(ml_dtypes.bfloat16))
save("flag.npy", np.array([True, False]))
every = np.arange(256, dtype=np.uint8)
save("f8.npy", every.view(ml_dtypes.float8_e4m3fn))
safetensors(
    "every.safetensors", {"every": entry([256], 0, 256, "F8_E4M3")}, every.tobytes()
)
safetensors(
    "half.safetensors", {"half": entry([4, 128], 0, 256, "F4")}, every.tobytes()
)
save("half.npy", every.view(np.int8).reshape(4, 64))
weights("w.safetensors", {"layer.w": w})
for pad in range(4):
    weights(f"pad{pad}.safetensors", {"layer.w": w}, pad)
with open(folder / "x-v3.npy", "wb") as file:
    np.lib.format.write_array(file, x, version=(3, 0))

# Good: @layer.
T, D, E, F = 37, 8, 4, 16
layer = {
    "router": rng.standard_normal((D, E)),
    "w1": rng.standard_normal((E, D, F)),
    "w2": rng.standard_normal((E, F, D)),
    "theta": rng.standard_normal(E),
}
layer = {key: array.astype(np.float32) for key, array in layer.items()}
weights("layer.safetensors", layer)
# The same in two files and an index.
pieces = {key: f"layer-{i // 2}.safetensors" for i, key in enumerate(layer)}
for piece in set(pieces.values()):
    weights(piece, {key: layer[key] for key in layer if pieces[key] == piece})
(folder / "layer.index.json").write_text(json.dumps({"weight_map": pieces}))
tokens = rng.standard_normal((T, D)).astype(np.float32)
save("tokens.npy", tokens)
out, error, certain = likely_layer(
    "relu_squared", "sigmoid", tokens, layer["router"], layer["theta"], layer
)
assert certain.all(), "a score too close to its threshold: take another seed"
save("layer-y.npy", out)
save("layer-error.npy", error)
selected = tokens @ layer["router"] > layer["theta"]
loads = selected.sum(0)
print("loads", *loads)
print("mean", f"{loads.mean():g}", "variance", f"{loads.var():g}")
print("alone", f"{np.mean(selected.sum(1) == 0):g}")

# Bad arrays.
good = (folder / "x.npy").read_bytes()
(folder / "cut.npy").write_bytes(good[:-1])
(folder / "cut-header.npy").write_bytes(good[:40])
(folder / "empty.npy").write_bytes(b"")
(folder / "magic.npy").write_bytes(b"PK\x03\x04" + good[4:])
(folder / "version.npy").write_bytes(good[:6] + b"\x09" + good[7:])
(folder / "header.npy").write_bytes(good.replace(b"'descr'", b"'descx'"))
(folder / "negative.npy").write_bytes(good.replace(b"(5, 4)", b"(-5,4)"))
(folder / "huge.npy").write_bytes(
    good.replace(b"(5, 4), }" + b" " * 20, b"(999999999999, 999999999999)}")
)
save("fortran.npy", np.asfortranarray(x))
save("big.npy", x.astype(">f4"))
save("object.npy", np.array([{}, 1], dtype=object))
save("complex.npy", x.astype(np.complex64))
save("f64.npy", x.astype(np.float64))
save("wide.npy", np.ones((5, 6), np.float32))
save("flat.npy", np.ones(20, np.float32))

# Bad weights.
raw = (folder / "w.safetensors").read_bytes()
(folder / "cut.safetensors").write_bytes(raw[:-1])
(folder / "cut-header.safetensors").write_bytes(raw[:20])
(folder / "short.safetensors").write_bytes(raw[:5])
(folder / "trailing.safetensors").write_bytes(raw + b"\0")
safetensors("json.safetensors", b"{oops}", b"")
safetensors("array.safetensors", b"[1]", b"")
safetensors(
    "other.safetensors", {"a": entry([2], 0, 8), "b": entry([2], 8, 16)}, bytes(16)
)
safetensors(
    "overlap.safetensors",
    {"layer.w": entry([4], 0, 16), "b": entry([2], 8, 16)},
    bytes(16),
)
safetensors("hole.safetensors", {"layer.w": entry([4], 4, 20)}, bytes(20))
safetensors("size.safetensors", {"layer.w": entry([5], 0, 16)}, bytes(16))
safetensors("overflow.safetensors", {"layer.w": entry([2**62, 4], 0, 16)}, bytes(16))
safetensors("reversed.safetensors", {"layer.w": entry([4], 16, 0)}, bytes(16))
safetensors(
    "fields.safetensors", {"layer.w": {"dtype": "F32", "shape": [4]}}, bytes(16)
)
safetensors("f4.safetensors", {"layer.w": entry([2, 3], 0, 3, "F4")}, bytes(3))
safetensors("f8.safetensors", {"layer.w": entry([4], 0, 4, "F8_E5M2")}, bytes(4))
safetensors("f16.safetensors", {"layer.w": entry([4], 0, 8, "F16")}, bytes(8))
