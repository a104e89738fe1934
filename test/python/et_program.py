# ===- et_program.py - modules of single ops --------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Builds a module of one function @main out of ops on given arrays."""

import numpy as np

from et_reference import FP8, STORAGE

ELEMENT = {np.dtype(v): k for k, v in STORAGE.items()}
ELEMENT.update({np.dtype(np.int32): "i32", np.dtype(np.int64): "i64"})
ELEMENT |= {np.dtype(FP8): "f8E4M3FN", np.dtype(np.int8): "i8"}


class Program:
    """Each size in a type is static or dynamic by chance; the ops must not care. So
    many of them are static as `static` says."""

    def __init__(self, rng, static=0.5):
        self.rng, self.static = rng, static
        self.arrays, self.parameters, self.body = [], [], []
        self.results, self.types = [], []

    def type(self, array):
        sizes = [
            str(n) if self.rng.random() < self.static else "?" for n in array.shape
        ]
        return f"tensor<{'x'.join([*sizes, ELEMENT[array.dtype]])}>"

    def argument(self, array):
        """The name and the type of a new argument."""
        name, kind = f"%a{len(self.arrays)}", self.type(array)
        self.arrays.append(array)
        self.parameters.append(f"{name}: {kind}")
        return name, kind

    def operands(self, *arrays):
        """`%a, %b : type, type` of new arguments."""
        names, kinds = zip(*(self.argument(a) for a in arrays), strict=True)
        return f"{', '.join(names)} : {', '.join(kinds)}"

    def clause(self, keyword, array):
        return "" if array is None else f"{keyword}({self.operands(array)})"

    def op(self, text, *destinations):
        """Appends `text outs(destinations)`, whose results become @main's."""
        names, kinds = zip(*(self.argument(d) for d in destinations), strict=True)
        first = len(self.results)
        new = [f"%r{first + i}" for i in range(len(names))]
        self.body.append(
            f"{', '.join(new)} = {text} outs({', '.join(names)} : {', '.join(kinds)})"
        )
        self.results += [ELEMENT[d.dtype] for d in destinations]
        self.types += kinds
        return range(first, len(self.results))

    def module(self):
        names = ", ".join(f"%r{i}" for i in range(len(self.results)))
        kinds = ", ".join(self.types)
        body = "\n".join(f"  {line}" for line in self.body)
        return (
            f"func.func @main({', '.join(self.parameters)}) -> ({kinds}) {{\n"
            f"{body}\n  return {names} : {kinds}\n}}\n"
        )
