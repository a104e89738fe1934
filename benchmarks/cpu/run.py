# ===- run.py - speed of layers on this CPU, beside other libraries -----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times compiled layers against what people would use instead, in one process.

All sides get the same tensors and are pinned to the same cores. Weights are packed
before anything is timed: ours by the library's own functions, others' by themselves.
Every output is compared with f64 before its side is timed (checks.py); a layer of ours
that is wrong stops the run, a peer that is wrong is not timed and makes it fail. One
that cannot do a shape or a type, or whose copy of the weights does not fit in memory,
is named with the reason. Rows in which others keep the machine busy (others.py) are
marked and not judged. Then all run in turn, round after round, each with its data in
memory and not in a cache, after a call without tokens. Printed are medians over the
rounds, and of the ratios of each round the median, least and most. A ratio above 1
means that the peer takes longer. Sides that take long are called less often.

`top_k` is our layer of the same arithmetic that chooses K experts a token. As its loads
are its own, its time is divided by that of a threshold layer with the same loads.

`limit` is the share of the time that a layer took which the slower of its limits alone
would take, those of multiply-adds and of memory as measured in each round (limits.py).
`around` is the time of routing and combine beside the layer's, compiled as a function
of their own, and that of routing, gather and combine. The first is too little and the
second too much: a product gathers as it loads.
"""

import argparse
import importlib.util
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "Target" / "Inputs"))

from others import BUSY, share_now
from plan import LAYERS, SIZES, TOKENS, Shape

SEED = 1
QUICK_LAYERS, QUICK_TOKENS = LAYERS[:1], [8, 64, 512, 2048]


def refuse(text, wanted):
    raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        refuse(text, "a whole number above 0")
    return int(text)


def numbers(text):
    return [positive(part) for part in text.split(",")]


def layer(text):
    sizes = numbers(text)
    if len(sizes) != 4 or sizes[3] > sizes[2]:
        refuse(text, "D,F,E,K with K no more than E")
    return Shape(*sizes)


def types(text):
    names = text.split(",")
    if not set(names) <= set(SIZES):
        refuse(text, f"a list of {' or '.join(SIZES)}")
    return names


def new_file(text):
    path = Path(text)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        refuse(text, "a file in a folder that can be written")
    return path


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument(
        "--rounds",
        type=positive,
        help="calls of each side, in place of a fitting number",
    )
    parser.add_argument("--types", type=types, default=list(SIZES), help="f32,bf16")
    parser.add_argument(
        "--layer",
        dest="layers",
        type=layer,
        action="append",
        metavar="D,F,E,K",
        help="width, hidden width, experts, experts a token; may be repeated",
    )
    parser.add_argument("--tokens", type=numbers, metavar="T,...")
    parser.add_argument("--quick", action="store_true", help="one layer, fewer sizes")
    parser.add_argument("--json", type=new_file, help="write the rows there too")
    parser.add_argument("--png", type=new_file, help="draw them there")
    arguments = parser.parse_args()
    arguments.layers = arguments.layers or (QUICK_LAYERS if arguments.quick else LAYERS)
    arguments.tokens = arguments.tokens or (QUICK_TOKENS if arguments.quick else TOKENS)
    arguments.seed = SEED
    cores = len(os.sched_getaffinity(0))
    if arguments.threads > cores:
        parser.error(
            f"--threads={arguments.threads}: this process may use {cores} cores"
        )
    if arguments.png and not importlib.util.find_spec("matplotlib"):
        parser.error(
            "--png needs matplotlib: './dev bench cpu' installs it, as requirements-bench.txt says"
        )
    return arguments


def processor():
    for text in Path("/proc/cpuinfo").read_text().splitlines():
        if text.startswith("model name"):
            return text.split(":", 1)[1].strip()
    return platform.machine()


def versions():
    found = {}
    for name in ("torch", "onnxruntime", "iree-base-compiler"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def main():
    arguments = parse()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-arguments.threads :])
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    # Ours spins for 200 ms after a parallel region, longer than the pause between two
    # calls. PyTorch's must be left to spin between the regions of a layer: it is slow
    # without.
    os.environ["KMP_BLOCKTIME"] = "10"
    # OpenMP's libraries read these when torch brings them.
    import measure
    import table

    about = {
        "threads": arguments.threads,
        "processor": processor(),
        "versions": versions(),
        "seed": SEED,
    }
    title = f"{arguments.threads} thread(s) of {about['processor']}; " + ", ".join(
        f"{name} {version}" for name, version in about["versions"].items()
    )
    others = share_now()
    print(f"{title}; seed {SEED}, others use {others:.0%} of the cores at the start")
    if others > BUSY:
        print(
            f"warning: the machine is busy; rows in which others use more than {BUSY:.0%} "
            "of the cores are not judged",
            file=sys.stderr,
        )

    def write(result):
        """After every row, so that what was measured outlives an interruption."""
        if not arguments.json:
            return
        absent = {f"{n}: {reason}": at for (n, reason), at in result.absent.items()}
        text = json.dumps(about | {"rows": result.rows, "absent": absent}, indent=1)
        part = arguments.json.with_name(arguments.json.name + ".part")
        part.write_text(text + "\n")
        part.replace(arguments.json)

    start, folder = time.monotonic(), tempfile.mkdtemp(prefix="et-")
    try:
        result = measure.run(arguments, folder, write)
    except measure.WrongError as error:
        sys.exit(f"error: {error}")
    finally:
        shutil.rmtree(folder)
    print(result.footer())
    print(f"{len(result.rows)} rows in {(time.monotonic() - start) / 60:.0f} min")
    if arguments.png and result.rows:
        import figure

        figure.draw(arguments.png, title, result.rows)
    if result.wrong or not any(map(table.is_judged, result.rows)):
        sys.exit(1)


if __name__ == "__main__":
    main()
