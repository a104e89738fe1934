"""tensor_files.py TOOLS: .npy and .safetensors files, the good ones all at once, the bad
ones each by itself, through et-run and ptx-emu."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

TOOLS = Path(sys.argv[1])
A = np.arange(12, dtype=np.float32).reshape(3, 4)
DATA = A.tobytes()
PLAIN = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"


def run(name, *options):
    # What waits for ever or takes all memory fails here.
    return subprocess.run(
        [TOOLS / name, *options], capture_output=True, text=True, timeout=60
    )


def check(done):
    assert done.returncode == 0, f"{done.args}: {done.stderr}"


def check_refused(done, words):
    said = done.stderr
    assert done.returncode == 1 and words in said, (
        f"{done.args}: status {done.returncode}, should say '{words}': {said[:500]}"
    )
    assert said.count("\n") == 1, f"{done.args}: more than a line: {said[:500]}"
    assert not Path("never.npy").exists(), done.args


def identity(name, arguments):
    names = ", ".join(f"%x{i}" for i in range(len(arguments)))
    kinds = ", ".join(kind.split(" ")[0] for kind in arguments)
    taken = ", ".join(f"%x{i}: {kind}" for i, kind in enumerate(arguments))
    return f"func.func @{name}({taken}) -> ({kinds}) {{ return {names} : {kinds} }}\n"


def ptx(name, count):
    """A kernel that takes pointers and does nothing."""
    parameters = ", ".join(f".param .u64 p{i}" for i in range(count))
    return f".visible .entry {name}({parameters}) {{ ret; }}\n"


def npy(text, data=DATA, version=(1, 0), pad=True):
    text, width = text.encode(), 2 if version[0] == 1 else 4
    if pad:
        text += b" " * (-(9 + width + len(text)) % 64) + b"\n"
    start = b"\x93NUMPY" + bytes(version) + len(text).to_bytes(width, "little")
    return start + text + data


GOOD_ARRAYS = {
    "version1.npy": npy(PLAIN),
    "version2.npy": npy(PLAIN, version=(2, 0)),
    "version3.npy": npy(PLAIN, version=(3, 0)),
    "python2.npy": npy(PLAIN.replace("3, 4", "3L, 4L")),
    "dense.npy": npy(PLAIN.replace(" ", "").replace(",}", "}"), pad=False),
    "quotes.npy": npy(PLAIN.replace("'", '"').replace("(3, 4)", "( 3 ,4 , )")),
    "native.npy": npy(PLAIN.replace("<f4", "=f4")),
    "no-order.npy": npy(PLAIN.replace("<f4", "f4")),
    "trailing.npy": npy(PLAIN, DATA + b"junk"),
    "empty.npy": npy(PLAIN.replace("3, 4", "0, 4"), b""),
}
NOT_NUMPYS = "has a header that is not NumPy's"
BAD_ARRAYS = {
    "behind-quote.npy": (npy("{'descr': '"), NOT_NUMPYS),
    "no-space.npy": (npy(PLAIN.replace(": False", ":True")), "is in Fortran order"),
    "vector.npy": (
        npy(PLAIN.replace("False", "True").replace("3, 4", "12,")),
        "is in Fortran order",
    ),
    "twice.npy": (npy(PLAIN.replace("}", "'shape': (4, 3)}")), NOT_NUMPYS),
    "negative.npy": (npy(PLAIN.replace("(3", "(-3")), NOT_NUMPYS),
    "word.npy": (npy(PLAIN.replace("(3", "(3LL")), NOT_NUMPYS),
    "beyond.npy": (npy(PLAIN.replace("(3", f"({2**63}")), NOT_NUMPYS),
    "wraps.npy": (npy(PLAIN.replace("3, 4", f"{2**62}, 4")), "more elements than can"),
    "wraps2.npy": (npy(PLAIN.replace("3, 4", f"{2**32}, {2**32}")), "more elements"),
    "wide.npy": (npy(PLAIN.replace("<f4", f"<V{2**63}")), "more elements than can"),
    "wider.npy": (npy(PLAIN.replace("<f4", "<V" + "9" * 30)), "no plain numbers"),
    "nothing.npy": (npy(PLAIN.replace("<f4", "<f0")), "no plain numbers"),
    "control.npy": (npy(PLAIN.replace("<f4", "a\n\x1b[1m")), "'a??[1m'"),
    "big.npy": (npy(PLAIN.replace("<f4", ">f4")), "is big-endian"),
    "cut.npy": (npy(PLAIN)[:-1], "48 bytes of data and 47 are there"),
    "cut-header.npy": (npy(PLAIN)[:60], "is cut off inside its header"),
    "long-header.npy": (
        npy(PLAIN, version=(2, 0)).replace(b"NUMPY\2\0\x74\0", b"NUMPY\2\0\xff\xff"),
        "is cut off inside its header",
    ),
    "eight.npy": (b"\x93NUMPY\2\0", "is cut off inside its header"),
    "eleven.npy": (b"\x93NUMPY\2\0\1\0\0", "is cut off inside its header"),
}


def check_arrays():
    """Good arrays come out as NumPy reads them; bad ones are refused alike by both."""
    for name, contents in GOOD_ARRAYS.items():
        Path(name).write_bytes(contents)
    names, outs = list(GOOD_ARRAYS), [f"out-{name}" for name in GOOD_ARRAYS]
    Path("id.mlir").write_text(identity("id", ["tensor<?x?xf32>"] * len(names)))
    given = [f"--arg={name}" for name in names]
    taken = [f"--out={name}" for name in outs]
    check(run("et-run", "id.mlir", "--entry=id", "--target=reference", *given, *taken))
    head = ".version 8.0\n.target sm_80\n.address_size 64\n"
    kernels = ptx("many", len(names)) + ptx("one", 1)
    Path("none.ptx").write_text(head + kernels)
    taken = [f"--out={i}:emu-{name}" for i, name in enumerate(outs)]
    check(run("ptx-emu", "none.ptx", "--entry=many", *given, *taken))
    for name, out in zip(names, outs, strict=True):
        wanted = np.load(name)
        for path in (out, f"emu-{out}"):
            got = np.load(path)
            assert got.dtype == wanted.dtype and got.shape == wanted.shape, path
            assert got.tobytes() == wanted.tobytes(), path
    # Any byte but 0 is true, in files of either kind.
    flags = np.array([0, 1, 2, 254, 255], np.uint8)
    np.save("flags.npy", flags.view(bool))
    header = {"f": entry((5,), dtype="BOOL") | {"data_offsets": [0, 5]}}
    Path("flags.safetensors").write_bytes(safetensors(header, flags.tobytes()))
    kinds = ["tensor<?xi1>", 'tensor<5xi1> {et.weight = "f"}']
    Path("flags.mlir").write_text(identity("id", kinds))
    runner = ["et-run", "flags.mlir", "--entry=id", "--target=reference"]
    runner += ["--arg=flags.npy", "--weights=flags.safetensors"]
    check(run(*runner, "--out=flags0.npy", "--out=flags1.npy"))
    for path in ("flags0.npy", "flags1.npy"):
        assert (np.load(path).view(np.uint8) == (flags != 0)).all(), path
    Path("one.mlir").write_text(identity("id", ["tensor<?x?xf32>"]))
    emulator = ["ptx-emu", "none.ptx", "--entry=one", "--out=0:never.npy"]
    runner = ["et-run", "one.mlir", "--entry=id", "--target=reference"]
    runner += ["--out=never.npy"]
    os.mkfifo("pipe")
    special = {"pipe": "is not a regular file", "/dev/zero": "is not a regular file"}
    for name, (contents, words) in BAD_ARRAYS.items():
        Path(name).write_bytes(contents)
        special[name] = words
    for name, words in special.items():
        check_refused(run(*emulator, f"--arg={name}"), words)
        check_refused(run(*runner, f"--arg={name}"), words)


def check_emulator_options():
    """Outputs have the type that was given, and no number wraps."""
    emulator = ["ptx-emu", "none.ptx", "--entry=one"]
    for given, dtype, shape in [
        ("zeros:3x4xf32", "<f4", (3, 4)),
        ("zeros:6xi64", "<i8", (6,)),
        ("zeros:2x0xf16", "<f2", (2, 0)),
    ]:
        done = run(*emulator, f"--arg={given}", "--out=0:zeros.npy")
        check(done)
        assert not done.stderr, done.stderr
        got = np.load("zeros.npy")
        assert got.dtype == dtype and got.shape == shape and not got.any(), given
    done = run(*emulator, "--arg=zeros:48", "--out=0:zeros.npy")
    check(done)
    assert "is written as bytes; a shape such as 12xf32" in done.stderr, done.stderr
    assert np.load("zeros.npy").dtype == np.uint8
    for given in ["", "x", "xf32", "4x", "4xxf32", "-4xf32", "4xf33", f"{2**62}x4xf32"]:
        check_refused(run(*emulator, f"--arg=zeros:{given}"), "is no number of bytes")
    for given in ["i8:256", "i16:-32769", f"i32:{2**32}", f"i64:{2**64}", "i32:1.5"]:
        check_refused(run(*emulator, f"--arg={given}"), "is no value of type i")
    plain = [*emulator, "--arg=zeros:4xf32"]
    check_refused(run(*plain, "--smem=4294967296"), "--smem takes a number of bytes")
    check_refused(run(*plain, "--smem=1k"), "--smem takes a number of bytes")
    check_refused(run(*plain, f"--grid={2**32 + 1}"), "--grid takes one to three")
    for out in ["x:never.npy", f"{2**64}:never.npy", "1:never.npy", "-0:never.npy"]:
        check_refused(run(*plain, f"--out={out}"), "--out takes the number of an array")
    # Before the kernel runs, which here would be a fault.
    for out in ["none/never.npy", "."]:
        check_refused(run(*plain, "--block=4096", f"--out=0:{out}"), "cannot write")
    check_refused(run("ptx-emu", "pipe"), "'pipe' is not a regular file")
    # A link stays one, and a file in the place of a temporary one is not followed.
    Path("linked.npy").symlink_to("target.npy")
    Path("target.npy").write_text("old")
    check(run(*plain, "--out=0:linked.npy"))
    assert Path("linked.npy").is_symlink() and np.load("target.npy").shape == (4,)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape=(3, 4), begin=0, dtype="F32", **others):
    end = begin + 4 * int(np.prod(shape))
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **others}


W = entry()
FIELDS = json.dumps(W)[1:-1]
BAD_WEIGHTS = {
    "brackets": (b"[" * 200000, "has a header that is not a JSON object"),
    "deep": (b'{"w":' + b"[" * 200000, "is nested more than 128 levels deep"),
    "deep-objects": (b'{"w":' * 200000, "is nested more than 128 levels deep"),
    "space": (b" " + json.dumps({"w": W}).encode(), "that is not a JSON object"),
    "two": (f'{{"w":{{{FIELDS}}},"w":{{{FIELDS}}}}}'.encode(), "names 'w' twice"),
    "two-shapes": (
        json.dumps({"w": entry((1, 12)), "v": W}).replace('"v"', '"\\u0077"').encode(),
        "names 'w' twice",
    ),
    "two-fields": (
        f'{{"w":{{{FIELDS},"shape":[4,3]}}}}'.encode(),
        "names 'shape' twice",
    ),
    "two-metadata": (
        b'{"__metadata__":{"a":"1","a":"2"},' + json.dumps({"w": W}).encode()[1:],
        "names 'a' twice",
    ),
    "number": ({"__metadata__": {"n": 3}, "w": W}, "__metadata__ that is not of"),
    "list": ({"__metadata__": ["n"], "w": W}, "__metadata__ that is not of strings"),
    "fraction": ({"w": entry((3.0, 4))}, "has a size that is not a whole number"),
    "negative": ({"w": W | {"shape": [-3, -4]}}, "that is not a whole number"),
    "beyond": ({"w": W | {"shape": [2**63, 0]}}, "that is not a whole number"),
    "wraps": ({"w": W | {"shape": [2**62, 4]}}, "a shape that doesn't fit"),
    "wraps2": ({"w": W | {"shape": [2**32, 2**32, 3]}}, "a shape that doesn't fit"),
    "offsets": ({"w": W | {"data_offsets": [2**64 - 16, 32]}}, "that are no range"),
    "nine": (
        {"w": entry((1, 1, 1, 1, 1, 1, 1, 3, 4))},
        "has 9 dimensions, and 8 is the most",
    ),
    "control": ({"w": W, "a\nb": entry((1,), 4)}, "tensor 'a?b' overlaps tensor 'w'"),
}


def check_weights():
    weight = 'tensor<3x4xf32> {et.weight = "w"}'
    other = 'tensor<?xf32> {et.weight = "слой.0 \\22b\\22"}'
    Path("w.mlir").write_text(identity("id", [weight]))
    Path("both.mlir").write_text(identity("id", [weight, other]))
    runner = ["et-run", "w.mlir", "--entry=id", "--target=reference"]
    runner += ["--out=never.npy"]
    for name, (header, words) in BAD_WEIGHTS.items():
        Path(f"{name}.safetensors").write_bytes(safetensors(header, DATA))
        check_refused(run(*runner, f"--weights={name}.safetensors"), words)
    with open("large.safetensors", "wb") as file:
        file.write(struct.pack("<Q", 100_000_001) + b"{")
        file.truncate(100_000_100)
    check_refused(run(*runner, "--weights=large.safetensors"), "allows 100000000")
    for name in ("pipe", "/dev/zero"):
        check_refused(run(*runner, f"--weights={name}"), "is not a regular file")
        model = run("et-run", name, "--entry=id", "--out=never.npy")
        check_refused(model, "is not a regular file")
        model = run("et-compile", name, "--emit=llvm", "-o", "never.npy")
        check_refused(model, "is not a regular file")
    check_index(runner)


def check_index(runner):
    """A checkpoint in pieces, as the hub keeps them: links to files elsewhere."""
    hub, blobs = Path("hub"), Path("blobs")
    hub.mkdir()
    blobs.mkdir()
    B = np.linspace(0, 1, 5, dtype=np.float32)
    name = 'слой.0 "b"'
    unread = {"x": entry((3,), 48, "F4") | {"data_offsets": [48, 50]}}
    unread |= {"y": entry((1,) * 9, 50) | {"data_offsets": [50, 54]}}
    files = {
        "model-1.safetensors": safetensors({"w": W, **unread}, DATA + bytes(6)),
        "model-2.safetensors": safetensors({name: entry((5,))}, B.tobytes()),
        "bad.safetensors": safetensors({"w": W}, DATA[:-1]),
        "f64.safetensors": safetensors(
            {"w": entry((3, 4)) | {"dtype": "F64", "shape": [3, 2]}}, DATA
        ),
        "q2.safetensors": safetensors({"w": entry(dtype="Q2")}, DATA),
    }
    for i, (file, contents) in enumerate(files.items()):
        (blobs / str(i)).write_bytes(contents)
        (hub / file).symlink_to(Path("..") / blobs / str(i))
    index = hub / "model.safetensors.index.json"

    def write(weight_map, **others):
        index.write_text(json.dumps({"weight_map": weight_map, **others}))

    pieces = {"w": "model-1.safetensors", name: "model-2.safetensors"}
    write(pieces, metadata={"total_size": 68})
    both = ["et-run", "both.mlir", "--entry=id", "--target=reference"]
    both += [f"--weights={index}"]
    check(run(*both, "--out=w.npy", "--out=b.npy"))
    assert (
        np.load("w.npy").tobytes() == DATA and np.load("b.npy").tobytes() == B.tobytes()
    )
    piece = hub / "model-2.safetensors"
    done = run(*both, "--out=never.npy", f"--out={piece}")
    check_refused(done, "model-2.safetensors' is an input")
    assert piece.read_bytes() == files["model-2.safetensors"]

    def check_bad(weight_map, words):
        write(weight_map)
        done = run(*runner, f"--weights={index}")
        check_refused(done, words)
        assert str(index) in done.stderr, done.stderr

    for shard in ["../w.safetensors", "/etc/passwd", "..", ".", "", "a/b", "a\0b"]:
        check_bad({"w": shard}, "which is no file beside the index")
        check_bad({"w": pieces["w"], "unread": shard}, "no file beside the index")
    check_bad({"w": 1}, "tensor 'w' has a shard that is no name of a file")
    check_bad({"w": "none.safetensors"}, "hub/none.safetensors': No such file")
    check_bad({"w": "bad.safetensors"}, "hub/bad.safetensors': tensor 'w' ends at")
    check_bad({"w": "q2.safetensors"}, "hub/q2.safetensors': tensor 'w' has elements")
    check_bad({"w": "f64.safetensors"}, "hub/f64.safetensors: id: argument 0")
    check_bad({"w": "model-2.safetensors"}, "tensor 'w' is not in 'model-2.safe")
    check_bad({name: "model-2.safetensors"}, "has no tensor 'w'; it has слой.0")
    for text, words in [
        ('{"weight_map":{"w":"a","w":"b"}}', "names 'w' twice"),
        ("[" * 200000, "is nested more than 128 levels deep"),
        ("{}", "is no index of a checkpoint: it has no weight_map"),
        ("[1]", "is no index of a checkpoint"),
        ("", "is not JSON"),
    ]:
        index.write_text(text)
        check_refused(run(*runner, f"--weights={index}"), words)


check_arrays()
check_emulator_options()
check_weights()
