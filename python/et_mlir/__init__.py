# ===- __init__.py - compiled layers as functions of arrays ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles layers that are written in MLIR, and calls them on arrays.

>>> import et_mlir
>>> layer = et_mlir.compile("layer.mlir")
>>> y = layer(x, router, theta, w1, w2)
"""

from ._compile import Compiled, compile, load
from ._native import CompileError, Function, Value

__all__ = ["CompileError", "Compiled", "Function", "Value", "compile", "load"]
