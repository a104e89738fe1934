# ===- peak.py - the multiply-adds that a core can do --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A module with a loop of independent vector multiply-adds."""

LANES, CHAINS = 16, 12


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
