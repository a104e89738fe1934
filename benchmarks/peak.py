# ===- peak.py - what a core can multiply and read -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Modules with loops of independent multiply-adds in vectors, of f32 or of pairs of bf16,
and with one that reads memory."""

from pathlib import Path

LANES = 16
# As many vectors as hide the latency of a multiply-add and leave registers for its
# operands: 12 of the processor's own. One without AVX-512 has half of LANES in each of
# its 16 registers.
CHAINS = 12 if "avx512f" in Path("/proc/cpuinfo").read_text() else 6
# Vectors that a step reads.
READS = 4


def flops(steps):
    """What the loop does in so many steps, with pairs twice as much."""
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


def pairs_function(name, steps):
    """A loop of products of pairs of bf16, added to f32, as a function of the library
    that takes an address and leaves the sums there. Models do not hold such instructions
    (AVX-512-BF16), so it is a function of the LLVM dialect; et-compile exports what has
    this prefix."""
    f32, bf16 = f"vector<{LANES}xf32>", f"vector<{2 * LANES}xbf16>"
    chains = range(CHAINS)
    sums = "\n".join(
        f"""  %n{i} = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%s{i}, %p, %p)
      : ({f32}, {bf16}, {bf16}) -> {f32}"""
        for i in chains
    )
    total = "\n".join(
        f"  %t{i + 1} = llvm.fadd %t{i}, %n{i + 1} : {f32}"
        for i in range(1, CHAINS - 1)
    )
    start = ", ".join(["%v"] * CHAINS)
    types = ", ".join([f32] * CHAINS)
    return f"""
llvm.func @et_function_{name}(%x: !llvm.ptr) {{
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %steps = llvm.mlir.constant({steps} : i64) : i64
  %v = llvm.load %x {{alignment = 4}} : !llvm.ptr -> {f32}
  %p = llvm.bitcast %v : {f32} to {bf16}
  llvm.br ^step(%zero, {start} : i64, {types})
^step(%i: i64, {", ".join(f"%s{i}: {f32}" for i in chains)}):
{sums}
  %next = llvm.add %i, %one : i64
  %more = llvm.icmp "ult" %next, %steps : i64
  llvm.cond_br %more, ^step(%next, {", ".join(f"%n{i}" for i in chains)} : i64, {types}), ^end
^end:
  %t1 = llvm.fadd %n0, %n1 : {f32}
{total}
  llvm.store %t{CHAINS - 1}, %x {{alignment = 4}} : {f32}, !llvm.ptr
  llvm.return
}}"""


def read_module(name, ahead):
    """Adds up a tensor of f32, whose length is a multiple of READS vectors, and asks for
    what lies so many bytes ahead, if any."""
    vector, width = f"vector<{LANES}xf32>", READS * LANES
    reads = range(READS)

    def ask(i):
        if not ahead:
            return ""
        return f"""    %a{i} = arith.addi %i{i}, %ahead : index
    memref.prefetch %m[%a{i}], read, locality<2>, data : memref<?xf32>
"""

    body = "\n".join(
        f"""    %o{i} = arith.constant {i * LANES} : index
    %i{i} = arith.addi %i, %o{i} : index
{ask(i)}    %v{i} = vector.load %m[%i{i}] : memref<?xf32>, {vector}
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
  %ahead = arith.constant {ahead // 4} : index
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
