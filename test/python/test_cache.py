# ===- test_cache.py - compiled code that is kept ---------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""--cache of et-run and et-compile: what is taken from a folder, what is not, and that
results are those of a run without one."""

import os
import platform
import stat
import subprocess

import numpy as np
import pytest

from et_tools import tool

HIT = 'Remark="compiled code is taken from the cache"'
MISS = 'Remark="the model is compiled"'


# Little to compile: it is compiled often. Its message has a place in the text.
MODEL = """
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %most = arith.constant 32 : index
  %size = tensor.dim %x, %c0 : tensor<?xf32>
  %fits = arith.cmpi ule, %size, %most : index
  cf.assert %fits, "too many"
  %init = tensor.empty(%size) : tensor<?xf32>
  %y = linalg.map { arith.mulf } ins(%x, %x : tensor<?xf32>, tensor<?xf32>) outs(%init : tensor<?xf32>)
  return %y : tensor<?xf32>
}
"""


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path)


class Job:
    """A model, its argument, and a folder for code that is not there yet."""

    def __init__(self, folder):
        self.folder, self.cache = folder, folder / "made" / "cache"
        self.model = folder / "model.mlir"
        self.model.write_text(MODEL)
        np.save(folder / "x.npy", np.arange(20, dtype=np.float32))
        self.runs = 0
        # Compiled the fastest; the cache treats all alike.
        self.target = "reference"

    def start(self, *options, cache=True, **environment):
        self.runs += 1
        out = self.folder / f"out{self.runs}.npy"
        command = [tool("et-run"), self.model, "--entry=main", "--remarks-filter=cache"]
        command += [f"--arg={self.folder}/x.npy", f"--out={out}"]
        command += [f"--target={self.target}", *options]
        command += [f"--cache={self.cache}"] * cache
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ, OMP_NUM_THREADS="1", **environment),
        )
        process.out = out
        return process

    def run(self, *options, **rest):
        return self.finish(self.start(*options, **rest))

    def finish(self, process):
        """What it wrote, and said."""
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said
        return process.out.read_bytes(), said

    def compile(self, name, *options):
        output = self.folder / name
        command = [tool("et-compile"), self.model, "-o", output, *options]
        command += [f"--cache={self.cache}", "--remarks-filter=cache"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return output, done.stderr

    def entries(self):
        return sorted(self.cache.glob("llvmcache-*"))

    def files(self):
        return sorted(self.cache.iterdir())


@pytest.mark.parametrize("target", ["cpu", "reference"])
def test_second_run_hits(job, target):
    job.target = target
    plain, said = job.run(cache=False)
    assert not said and not job.cache.exists()
    first, said = job.run()
    assert MISS in said and HIT not in said
    (entry,) = job.entries()
    assert job.files() == [entry]
    written = entry.stat().st_mtime_ns
    second, said = job.run()
    assert HIT in said and MISS not in said
    assert entry.stat().st_mtime_ns == written
    assert plain == first == second


def test_folder_of_the_environment(job):
    environment = {"ET_CACHE_DIR": str(job.cache)}
    _, said = job.run(cache=False, **environment)
    assert MISS in said and job.entries()
    _, said = job.run(cache=False, **environment)
    assert HIT in said
    # The option goes before, also one that says none.
    _, said = job.run("--cache=", cache=False, **environment)
    assert not said


def test_what_code_depends_on(job):
    assert MISS in job.run()[1]
    # Another pipeline, another model, another line in messages of the code.
    assert MISS in job.run("--target=cpu")[1]
    text = job.model.read_text()
    assert "arith.constant 32" in text
    job.model.write_text(text.replace("arith.constant 32", "arith.constant 64"))
    assert MISS in job.run()[1]
    job.model.write_text("\n" + text)
    assert MISS in job.run()[1]
    # The same model in another folder is the same.
    moved = job.folder / "elsewhere"
    moved.mkdir()
    job.model = moved / "model.mlir"
    job.model.write_text(text)
    assert HIT in job.run()[1]
    assert len(job.entries()) == 4


def test_libraries_and_objects(job):
    library, said = job.compile("one.so")
    assert MISS in said
    same, said = job.compile("two.so")
    assert HIT in said and library.stat().st_size == same.stat().st_size
    first, said = job.compile("one.o", "--emit=obj")
    assert HIT in said
    job.cache = job.folder / "other"
    second, said = job.compile("two.o", "--emit=obj")
    assert MISS in said and first.read_bytes() == second.read_bytes()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names processors of x86-64")
def test_processors(job):
    assert MISS in job.compile("v3.so", "--march=x86-64-v3")[1]
    assert MISS in job.compile("v4.so", "--march=x86-64-v4")[1]
    assert HIT in job.compile("v3.so", "--march=x86-64-v3")[1]


def test_corrupt_entries_are_replaced(job):
    results, _ = job.run()
    (entry,) = job.entries()
    whole = entry.read_bytes()
    half = len(whole) // 2
    flipped = whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :]
    for bad in [b"", b"short", whole[:half], whole + b"x", flipped]:
        entry.write_bytes(bad)
        again, said = job.run()
        assert MISS in said and again == results, len(bad)
        assert entry.read_bytes() == whole, len(bad)
        assert HIT in job.run()[1]


def test_folders_that_take_nothing(job):
    results, _ = job.run(cache=False)
    job.cache.parent.mkdir()
    job.cache.write_text("a file")
    again, said = job.run()
    assert said.count("warning: compiled code is not kept: ") == 1
    assert str(job.cache) in said and again == results
    assert job.cache.read_text() == "a file"
    # Nor does an entry whose place is taken.
    job.cache.unlink()
    job.run()
    (entry,) = job.entries()
    entry.unlink()
    entry.mkdir()
    again, said = job.run()
    assert "warning: compiled code is not kept: " in said and again == results
    assert job.files() == [entry]


def link_to(target):
    return lambda place: place.symlink_to(target)


def test_planted_entries(job):
    """What someone put in the place of an entry is said, replaced, and not followed."""
    results, _ = job.run()
    (entry,) = job.entries()
    assert stat.S_IMODE(job.cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    whole = entry.read_bytes()
    victim = job.folder / "victim"
    plants = {
        "is a link": [link_to(victim), link_to("/dev/zero"), link_to("nowhere")],
        "is not a regular file": [os.mkfifo],
        "may be written to by other users": [
            lambda place: (place.write_bytes(whole), place.chmod(0o620))
        ],
        "is larger than 1 GiB": [
            lambda place: (place.touch(0o600), os.truncate(place, 2**30 + 1))
        ],
    }
    if os.geteuid() == 0:
        plants["belongs to another user"] = [
            lambda place: (place.write_bytes(whole), os.chown(place, 12345, -1))
        ]
    for words, kinds in plants.items():
        for plant in kinds:
            victim.write_bytes(whole)
            entry.unlink()
            plant(entry)
            again, said = job.run()
            assert MISS in said and again == results, words
            assert f"warning: kept code is not used: '{entry}': {words}" in said
            assert victim.read_bytes() == whole
            assert not entry.is_symlink() and entry.read_bytes() == whole
            assert job.files() == [entry]
    # A second name of a file elsewhere: that file stays as it was.
    victim.write_text("precious")
    entry.unlink()
    entry.hardlink_to(victim)
    assert MISS in job.run()[1]
    assert victim.read_text() == "precious" and entry.read_bytes() == whole


def test_folders_of_others(job):
    job.run(cache=False)
    real = job.folder / "real"
    real.mkdir(0o700)
    job.cache = job.folder / "link"
    job.cache.symlink_to(real)
    words = {f"'{job.cache}': is a link; name the folder itself": lambda: None}
    words["may be written to by other users; chmod go-w"] = lambda: real.chmod(0o770)
    if os.geteuid() == 0:
        words["belongs to another user"] = lambda: (
            real.chmod(0o700),
            os.chown(real, 12345, -1),
        )
    for what, change in words.items():
        change()
        _, said = job.run()
        assert said.count("warning: compiled code is not kept: ") == 1 and what in said
        assert not list(real.iterdir()), what
        job.cache = real
    # With a separator behind it, a link is none the less one.
    job.cache = f"{job.folder}/link/"
    assert "is a link; name" in job.run()[1]


def test_pruning(job):
    """What nobody used for a week goes, and nothing that is not the cache's own."""
    job.cache.mkdir(0o700, parents=True)
    victim = job.folder / "victim"
    old = {job.cache / name for name in ("llvmcache-old", "llvmcache-cut.1a")}
    kept = {job.cache / name for name in ("notes", "llvmcache-new", "llvmcache-link")}
    kept.add(job.cache / "llvmcache.timestamp")
    for path in [victim, *old, *kept]:
        if path.name in ("llvmcache-link", "llvmcache.timestamp"):
            path.symlink_to(victim)
        else:
            path.write_text("precious")
        if path.name != "llvmcache-new":
            os.utime(path, (1, 1))
    assert MISS in job.run()[1]
    left = set(job.files())
    assert kept < left and not old & left and len(left) == len(kept) + 1
    assert victim.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_forbidden_folder(job):
    job.cache.mkdir(parents=True)
    job.cache.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert "warning: compiled code is not kept: " in job.run()[1]


def test_several_processes(job):
    expected, _ = job.run(cache=False)
    for _ in range(2):
        together = [job.start() for _ in range(4)]
        for process in together:
            assert job.finish(process)[0] == expected
        assert job.files() == job.entries() and len(job.entries()) == 1
    assert HIT in job.run()[1]


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("et-run", ["--entry=main", "--target=cuda"], "--cache goes with --target=cpu"),
        ("et-compile", ["--emit=llvm", "-o", "-"], "--cache goes with --emit=so"),
    ],
)
def test_where_it_does_not_go(job, name, options, message):
    command = [tool(name), job.model, *options, f"--cache={job.cache}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode and message in done.stderr
