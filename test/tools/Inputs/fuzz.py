"""fuzz.py ET_RUN MODEL COUNT: runs @scale on damaged x.npy and w.safetensors."""

import random
import re
import subprocess
import sys
from pathlib import Path

tool, model, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
seed = random.randrange(2**32)
rng = random.Random(seed)


def damage(data):
    """Changes bytes, mostly of the header, where a wrong one matters most."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        data = data or bytearray(1)
        at = rng.randrange(min(len(data), 100))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at : at + 1] = bytes(
                rng.choices(b"0123456789{}[](),:'\"-ETF", k=rng.randint(0, 3))
            )
        elif kind == 2:
            del data[at : at + rng.randint(1, 8)]
        elif kind == 3:
            data = data[: rng.randint(0, len(data))] or bytearray(1)
        else:
            data[at:at] = rng.choice(
                [b"9" * 20, b"[" * 50, b"\0" * 8, b"\xff" * 8, b"{'a':"]
            )
    return bytes(data)


refused = 0
for i in range(count):
    name = rng.choice(["x.npy", "w.safetensors"])
    bad = Path("bad" + Path(name).suffix)
    bad.write_bytes(damage(Path(name).read_bytes()))
    files = (
        ["--arg=bad.npy", "--weights=w.safetensors"]
        if name == "x.npy"
        else ["--arg=x.npy", "--weights=bad.safetensors"]
    )
    run = subprocess.run(
        [tool, model, "--entry=scale", "--target=reference"] + files + ["--arg=by.npy"],
        capture_output=True,
        text=True,
        errors="replace",
    )
    clean = run.returncode == 0 or (
        run.returncode == 1 and re.search(r"^et-run: error: .*bad\.", run.stderr, re.M)
    )
    assert clean, f"seed {seed}, run {i}, status {run.returncode}: {run.stderr}"
    refused += run.returncode
# Damage that goes unnoticed every time would mean that nothing is checked.
assert refused > count // 4, f"seed {seed}: only {refused} of {count} refused"
