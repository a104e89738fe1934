# ===- test_bounds.py - sizes and places that only a call shows -------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Ops beside layers: what fits is computed as NumPy does, what does not is an error.

All functions are in one module, which is compiled once a target.
"""

import functools
import re
import subprocess

import numpy as np
from et_library import Error

import et_emulated
from et_bounds_bodies import BODIES, HOST_BODIES, MEMREFS
from et_bounds_cases import CASES, ELEMENTS, floats, number
from et_compiled import BUILD, compiled, tool

ON_HOST = CASES + ELEMENTS + BODIES + HOST_BODIES + MEMREFS


def module(cases):
    return "\n".join(f"func.func @{name}{text}" for name, text, _ in cases)


def check(outcome, name, expected):
    """The outcome of a call is a result, or the message of an error."""
    if not isinstance(expected, str):
        assert not isinstance(outcome, str), f"{name}: {outcome}"
        assert outcome.shape == expected.shape, name
        np.testing.assert_array_equal(outcome, expected, err_msg=name)
        return
    assert isinstance(outcome, str), f"{name} returns {outcome}, not: {expected}"
    assert expected in outcome
    # It says where the op is.
    assert re.search(r"module\.mlir:\d+:\d+: ", outcome), outcome


def outcomes(library, cases):
    """What all calls come to."""
    found = []
    for name, _, calls in cases:
        for arguments, _ in calls:
            try:
                # Some functions write to their arguments.
                copies = [np.copy(array) for array in arguments]
                found.append(library.call(name, *copies)[0])
            except Error as error:
                found.append(str(error))
    return found


def check_all(found, cases):
    calls = [(name, value) for name, _, calls in cases for _, value in calls]
    for outcome, (name, value) in zip(found, calls, strict=True):
        check(outcome, name, value)


def test_cpu():
    cases = ON_HOST
    library = compiled(module(cases), "--march=native").library
    check_all(outcomes(library, cases), cases)


def test_random_slices():
    """A slice is refused if, and only if, one of its places is none."""
    rng = np.random.default_rng(3)
    library = compiled(module(ON_HOST), "--march=native")
    accepted = 0
    for _ in range(400):
        n, at, count = (int(v) for v in rng.integers((0, -1, -1), (8, 9, 6)))
        step = int(rng.integers(-3, 4))
        places = [at + i * step for i in range(count)]
        fits = 0 <= at <= n and count >= 0 and all(0 <= p < n for p in places)
        sizes = [number(v) for v in (at, count, step)]
        try:
            (result,) = library.library.call("steps", floats(n), *sizes)
        except Error as error:
            assert not fits, (n, at, count, step, error)
            continue
        assert fits, (n, at, count, step)
        np.testing.assert_array_equal(result, floats(n)[places])
        accepted += 1
    assert 50 < accepted < 350


# Places in terms of two loops, as MLIR and as Python write them.
PLACES = [
    ("d0 + d1", "i + j"),
    ("d0 * 2 - d1 + 3", "i * 2 - j + 3"),
    ("d0 - d0 floordiv 2 + d1 * 0", "i - i // 2"),
    ("d0 mod 3 + d1 floordiv 2", "i % 3 + j // 2"),
    ("(d0 - d1) mod 4", "(i - j) % 4"),
    ("d0 * 3 - (d0 floordiv 2) * 5 + d1", "i * 3 - i // 2 * 5 + j"),
    ("(d0 * 2) mod 4 - d1 floordiv 3 + 1", "i * 2 % 4 - j // 3 + 1"),
    ("(d0 ceildiv 2) * 4 - d0 - d1 + 2", "-(-i // 2) * 4 - i - j + 2"),
]


def test_random_places():
    """Sizes are refused if, and only if, one of the places that the loops go to is none."""
    module = "\n".join(
        f"""func.func @f{f}(%x: tensor<?xf32>, %y: tensor<?x?xf32>) -> tensor<?x?xf32> {{
          %r = linalg.generic {{
              indexing_maps = [affine_map<(d0, d1) -> ({text})>, affine_map<(d0, d1) -> (d0, d1)>],
              iterator_types = ["parallel", "parallel"]}}
              ins(%x : tensor<?xf32>) outs(%y : tensor<?x?xf32>) {{
          ^bb0(%a: f32, %o: f32):
            linalg.yield %a : f32
          }} -> tensor<?x?xf32>
          return %r : tensor<?x?xf32>
        }}"""
        for f, (text, _) in enumerate(PLACES)
    )
    library = compiled(module, "--march=native").library
    rng = np.random.default_rng(5)
    accepted = refused = 0
    for _ in range(400):
        f = int(rng.integers(len(PLACES)))
        size, rows, columns = (int(v) for v in rng.integers((0, 0, 0), (9, 8, 5)))
        i, j = np.indices((rows, columns))
        places = eval(PLACES[f][1]) + np.zeros_like(i)
        fits = np.all((places >= 0) & (places < size))
        case = (PLACES[f], size, rows, columns)
        try:
            (result,) = library.call(f"f{f}", floats(size), floats(rows, columns))
        except Error as error:
            assert not fits, (case, error)
            assert "operand 0 in dimension 0 is too small" in str(error)
            refused += 1
            continue
        assert fits, case
        np.testing.assert_array_equal(result, floats(size)[places], err_msg=str(case))
        accepted += 1
    assert accepted > 50 and refused > 50


def test_emulated_gpu():
    library = compiled(module(CASES + BODIES), "--target=cuda", "--chip=sm_80")
    settings = {
        "ET_CUDA_DRIVER": str(BUILD / "lib" / "libet_cuda_emu.so"),
        "ET_EMU_CHECK": "all",
        "ET_EMU_THREADS": "1",
    }
    # An element that is none ends the kernel, and with it all work of the process.
    fits = [
        (name, text, [call for call in calls if not isinstance(call[1], str)])
        for name, text, calls in BODIES
    ]
    name, text, calls = BODIES[0]
    cases = [*CASES, *fits, (name, text, calls[2:3])]
    call = functools.partial(outcomes, cases=cases)
    *found, last = et_emulated.in_child(settings, library.path, call)
    check_all(found, cases[:-1])
    assert "CUDA_ERROR_ASSERT" in last


def test_reference(tmp_path):
    """One call of each kind: it compiles for each."""
    cases = ON_HOST
    command = [tool("et-run"), tmp_path / "module.mlir", "--target=reference"]
    command += ["--threads=1", f"--out={tmp_path}/out.npy"]
    for case in cases:
        name, _, calls = case
        (tmp_path / "module.mlir").write_text(module([case]))
        for arguments, expected in (calls[0], calls[-1]):
            files = []
            for i, array in enumerate(arguments):
                np.save(tmp_path / f"{i}.npy", array)
                files.append(f"--arg={tmp_path}/{i}.npy")
            done = subprocess.run(
                [*command, f"--entry={name}", *files], capture_output=True, text=True
            )
            ended = done.stderr if done.returncode else np.load(tmp_path / "out.npy")
            check(ended, name, expected)
