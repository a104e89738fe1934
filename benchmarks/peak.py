# ===- peak.py - what a core can multiply and read -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Modules with a loop of independent vector multiply-adds, and one that reads memory."""

LANES, CHAINS = 16, 12
# Vectors that a step reads, and how far ahead it asks for others.
READS, AHEAD = 4, 512


def flops(steps):
    """What the loop does in so many steps."""
    return 2 * LANES * CHAINS * steps


def module(name, steps):
    vector = f"vector<{LANES}xf32>"
    chains = range(CHAINS)
    sums = "\n".join(f"    %n{i} = vector.fma %s{i}, %v, %v : {vector}" for i in chains)
    total = "\n".join(
        f"  %t{i + 1} = arith.addf %t{i}, %r#{i + 1} : {vector}"
        for i in range(1, CHAINS - 1)
    )
    return f"""
func.func @{name}(%x: tensor<{LANES}xf32>) -> tensor<{LANES}xf32> {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %steps = arith.constant {steps} : index
  %zero = arith.constant 0.0 : f32
  %v = vector.transfer_read %x[%c0], %zero {{in_bounds = [true]}} : tensor<{LANES}xf32>, {vector}
  %r:{CHAINS} = scf.for %i = %c0 to %steps step %c1
      iter_args({", ".join(f"%s{i} = %v" for i in chains)}) -> ({", ".join([vector] * CHAINS)}) {{
{sums}
    scf.yield {", ".join(f"%n{i}" for i in chains)} : {", ".join([vector] * CHAINS)}
  }}
  %t1 = arith.addf %r#0, %r#1 : {vector}
{total}
  %init = tensor.empty() : tensor<{LANES}xf32>
  %y = vector.transfer_write %t{CHAINS - 1}, %init[%c0] {{in_bounds = [true]}} : {vector}, tensor<{LANES}xf32>
  return %y : tensor<{LANES}xf32>
}}"""


def read_module(name):
    """Adds up a tensor of f32, whose length is a multiple of READS vectors."""
    vector, width = f"vector<{LANES}xf32>", READS * LANES
    reads = range(READS)
    body = "\n".join(
        f"""    %o{i} = arith.constant {i * LANES} : index
    %i{i} = arith.addi %i, %o{i} : index
    %a{i} = arith.addi %i{i}, %ahead : index
    memref.prefetch %m[%a{i}], read, locality<2>, data : memref<?xf32>
    %v{i} = vector.load %m[%i{i}] : memref<?xf32>, {vector}
    %n{i} = arith.addf %s{i}, %v{i} : {vector}"""
        for i in reads
    )
    total = "\n".join(
        f"  %t{i + 1} = arith.addf %t{i}, %r#{i + 1} : {vector}"
        for i in range(1, READS - 1)
    )
    return f"""
func.func @{name}(%x: tensor<?xf32>) -> tensor<{LANES}xf32> {{
  %c0 = arith.constant 0 : index
  %step = arith.constant {width} : index
  %ahead = arith.constant {AHEAD * LANES} : index
  %size = tensor.dim %x, %c0 : tensor<?xf32>
  %m = bufferization.to_buffer %x read_only : tensor<?xf32> to memref<?xf32>
  %zero = arith.constant dense<0.0> : {vector}
  %r:{READS} = scf.for %i = %c0 to %size step %step
      iter_args({", ".join(f"%s{i} = %zero" for i in reads)}) -> ({", ".join([vector] * READS)}) {{
{body}
    scf.yield {", ".join(f"%n{i}" for i in reads)} : {", ".join([vector] * READS)}
  }}
  %t1 = arith.addf %r#0, %r#1 : {vector}
{total}
  %init = tensor.empty() : tensor<{LANES}xf32>
  %y = vector.transfer_write %t{READS - 1}, %init[%c0] {{in_bounds = [true]}} : {vector}, tensor<{LANES}xf32>
  return %y : tensor<{LANES}xf32>
}}"""
