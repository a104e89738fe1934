# ===- test_processors.py - layers for other processors than the host --------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers compiled for less than the host has: 128-bit vectors, AVX2, AVX-512
without matrix registers. And for more than it has, which must be an error."""

import platform
import subprocess
import sys

import numpy as np
import pytest

from et_compare import check_layer
from et_layers import module, random_layer
from et_tools import ROOT, tool

sys.path.append(str(ROOT / "test" / "Target" / "Inputs"))
import et_library

SEEDS = range(1000, 1012)
# ET_PROCESSOR of et_runtime.h.
PROCESSOR = 6

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="names processors of x86-64"
)


def compile_module(text, processor, folder):
    (folder / "module.mlir").write_text(text)
    library = folder / "module.so"
    done = subprocess.run(
        [
            tool("et-compile"),
            folder / "module.mlir",
            f"--march={processor}",
            "-o",
            library,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return et_library.Library(library)


@pytest.mark.parametrize("processor", ["x86-64", "x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("first", SEEDS[::4])
def test_layers_match_numpy(processor, first, tmp_path):
    layers = [random_layer(np.random.default_rng(first + i)) for i in range(4)]
    library = compile_module(module(layers), processor, tmp_path)
    arguments = [array for layer in layers for array in layer.arrays.values()]
    try:
        results = library.call("main", *arguments)
    except et_library.Error as error:
        assert error.code == PROCESSOR
        pytest.skip(f"this machine is less than {processor}")
    for i, layer in enumerate(layers):
        try:
            check_layer(layer, results[4 * i : 4 * i + 4])
        except AssertionError as error:
            pytest.fail(f"seed {first + i}, {processor}: {error}\n  {layer}")


def test_missing_features_are_an_error(tmp_path):
    """No machine has the features of all of these, and none of them ends a process."""
    layer = random_layer(np.random.default_rng(SEEDS[0]))
    refused = 0
    for processor in ("znver5", "sapphirerapids", "diamondrapids"):
        folder = tmp_path / processor
        folder.mkdir()
        library = compile_module(module([layer]), processor, folder)
        try:
            library.call("main", *layer.arrays.values())
        except et_library.Error as error:
            assert error.code == PROCESSOR
            assert "compiled for a processor with" in str(error)
            refused += 1
    assert refused
