# ===- et_processors.py - code for named processors --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles modules for processors that the host may be less than."""

import functools
import platform
from contextlib import contextmanager

import numpy as np
import pytest
from et_library import Error

from et_compiled import compiled

x86_only = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="names processors of x86-64"
)
# ET_PROCESSOR of et_runtime.h.
PROCESSOR = 6
LITTLE = """
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0.0 : f32
  %y = linalg.fill ins(%zero : f32) outs(%x : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
"""


@contextmanager
def skip_if_less(processor):
    """Calls of a library compiled for `processor`: the host may refuse it, no more."""
    try:
        yield
    except Error as error:
        assert error.code == PROCESSOR, error
        pytest.skip(f"this machine is less than {processor}")


@functools.cache
def refuses(processor):
    try:
        compiled(LITTLE, f"--march={processor}").call(np.ones(4, np.float32))
    except Error as error:
        return error.code == PROCESSOR
    return False


def skip_unless_runs(processor):
    """Before much is compiled that the host would refuse."""
    if refuses(processor):
        pytest.skip(f"this machine is less than {processor}")
