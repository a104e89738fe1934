# ===- ours.py - what this compiler makes of the layer --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Modules, their libraries, and a library's functions as functions of torch tensors."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from et_library import Library, Tensor

CODES = {torch.float32: 0, torch.bfloat16: 2, torch.float8_e4m3fn: 9}


def layer_module(shape, kind):
    """@layer, and @top_k of the same arithmetic; and without the products, whose result
    is an argument, @around, which copies the gathered rows, and @route_combine."""
    width, hidden, experts = shape.width, shape.hidden, shape.experts
    x, router = f"tensor<?x{width}x{kind}>", f"tensor<{width}x{experts}x{kind}>"
    w1 = f"tensor<{experts}x{width}x{hidden}x{kind}>"
    w2 = f"tensor<{experts}x{hidden}x{width}x{kind}>"
    theta, pairs = f"tensor<{experts}xf32>", x
    mask, gates = f"tensor<{experts}x?xi32>", f"tensor<?x{experts}xf32>"
    offsets = f"tensor<{experts + 1}xi32>"
    threshold = "#et.threshold<gate = sigmoid>"

    def function(name, routing, clause):
        return f"""
func.func @{name}(%x: {x}, %router: {router}, %w1: {w1} {{et.weight = "w1"}},
    %w2: {w2} {{et.weight = "w2"}}, %theta: {theta}) -> {x} {{
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : {x}
  %init = tensor.empty(%tokens) : {x}
  %y = et.moe linear {routing} relu_squared
      ins(%x, %router, %w1, %w2 : {x}, {router}, {w1}, {w2})
      {clause} outs(%init : {x})
  return %y : {x}
}}"""

    def without_products(name, gather, results):
        return f"""
func.func @{name}(%x: {x}, %router: {router}, %theta: {theta}, %pairs: {pairs})
    -> ({", ".join([x] * len(results))}) {{
  %c0 = arith.constant 0 : index
  %c31 = arith.constant 31 : index
  %c32 = arith.constant 32 : index
  %tokens = tensor.dim %x, %c0 : {x}
  %more = arith.addi %tokens, %c31 : index
  %words = arith.divui %more, %c32 : index
  %m = tensor.empty(%words) : {mask}
  %g = tensor.empty(%tokens) : {gates}
  %o = tensor.empty() : {offsets}
  %mask, %gates, %offsets = et.route linear {threshold}
      ins(%x, %router : {x}, {router}) theta(%theta : {theta})
      outs(%m, %g, %o : {mask}, {gates}, {offsets})
  {gather}
  %i = tensor.empty(%tokens) : {x}
  %y = et.combine ins(%pairs, %gates, %mask, %offsets : {pairs}, {gates}, {mask}, {offsets})
      outs(%i : {x})
  return {", ".join(results)} : {", ".join([x] * len(results))}
}}"""

    gather = f"""
  %number = tensor.dim %pairs, %c0 : {pairs}
  %l = tensor.empty(%number) : tensor<?xi32>
  %list = et.token_list ins(%mask, %offsets : {mask}, {offsets}) outs(%l : tensor<?xi32>)
  %r = tensor.empty(%number) : {x}
  %rows = et.gather ins(%x, %list, %offsets : {x}, tensor<?xi32>, {offsets}) outs(%r : {x})"""
    top_k = f"#et.top_k<k = {shape.chosen}, scoring = sigmoid>"
    return (
        function("layer", threshold, f"theta(%theta : {theta})")
        + function("top_k", top_k, "")
        + without_products("around", gather, ["%rows", "%y"])
        + without_products("route_combine", "", ["%y"])
    )


def compile_library(build_dir, folder, module, *options):
    """The library of a module."""
    source = Path(tempfile.mkstemp(suffix=".mlir", dir=folder)[1])
    source.write_text(module)
    library = source.with_suffix(".so")
    done = subprocess.run(
        [build_dir / "bin" / "et-compile", *options, source, "-o", library],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"et-compile failed: {done.stderr}")
    return Library(library)


def describe(t):
    """A tensor of torch as an argument; one of a library's results is one already."""
    if isinstance(t, Tensor):
        return t
    d = Tensor(data=t.data_ptr(), dtype=CODES[t.dtype], rank=t.dim())
    d.sizes[: t.dim()] = t.shape
    d.strides[: t.dim()] = t.stride()
    return d


class Results:
    """What a call gave, in the library's memory, as a library of tensors would."""

    def __init__(self, library, tensors):
        self.library, self.tensors = library, tensors

    def __del__(self):
        for tensor in self.tensors:
            self.library.release(tensor)

    def to_numpy(self):
        """Copies in f64, one below the other."""
        return np.concatenate(
            [self.library.to_numpy(t).astype(np.float64) for t in self.tensors]
        )


def bind(library, name, *fixed):
    """The library's function as one of its first argument, a torch tensor, the others
    fixed."""
    tail = [describe(t) for t in fixed]

    def call(x):
        return Results(library, library.call_tensors(name, [describe(x), *tail]))

    # Tensors describe memory that they do not own.
    call.kept = fixed
    return call


class OurLayer:
    """A compiled layer with its packed weights."""

    def __init__(self, build_dir, folder, weights):
        module = layer_module(weights.shape, weights.kind)
        self.library = compile_library(build_dir, folder, module, "--pack-weights")
        self.router = weights.router
        self.packed = self.library.call_tensors(
            "layer_pack", [describe(weights.w1), describe(weights.w2)]
        )

    def function(self, name, theta):
        return bind(self.library, name, self.router, *self.packed, theta)

    def without_products(self, name, theta, pairs):
        return bind(self.library, name, self.router, theta, pairs)

    def release(self):
        for tensor in self.packed:
            self.library.release(tensor)
