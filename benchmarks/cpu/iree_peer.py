# ===- iree_peer.py - experts compiled by IREE -----------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""An expert as IREE's user would write it, in linalg, and one instance an expert.

The weights are parameters of the module, so that data tiling packs them once, when an
instance is loaded. The number of rows is dynamic; for few rows, where padding to a
whole tile would decide the time, there are functions of fixed numbers too.
"""

import ml_dtypes
import torch

FEW = [1, 2, 4, 8]
FLAGS = [
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O3",
    "--iree-opt-data-tiling",
]


def expert_function(name, rows, width, hidden, kind):
    def matrix(columns, element):
        return f"tensor<{rows}x{columns}x{element}>"

    x, h, s = matrix(width, kind), matrix(hidden, "f32"), matrix(hidden, kind)
    y = matrix(width, "f32")
    w1, w2 = f"tensor<{width}x{hidden}x{kind}>", f"tensor<{hidden}x{width}x{kind}>"
    dynamic = rows == "?"
    size = f"%m = tensor.dim %x, %c0 : {x}" if dynamic else ""
    sizes = "(%m)" if dynamic else "()"
    rounded = "%r" if kind == "f32" else "%t"
    rounding = "" if kind == "f32" else f"%t = arith.truncf %r : f32 to {kind}"

    def product(out, operands, types, result):
        return f"""
  %{out}_init = tensor.empty{sizes} : {result}
  %{out}_zero = linalg.fill ins(%zero : f32) outs(%{out}_init : {result}) -> {result}
  %{out} = linalg.matmul ins({operands} : {types}) outs(%{out}_zero : {result}) -> {result}"""

    same = "affine_map<(i, j) -> (i, j)>"
    return f"""
func.func @{name}(%x: {x}) -> {y} {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  {size}
  %w1 = util.global.load @w1 : {w1}
  %w2 = util.global.load @w2 : {w2}
  {product("h", "%x, %w1", f"{x}, {w1}", h)}
  %s_init = tensor.empty{sizes} : {s}
  %s = linalg.generic {{indexing_maps = [{same}, {same}], iterator_types = ["parallel", "parallel"]}}
      ins(%h : {h}) outs(%s_init : {s}) {{
    ^bb0(%a: f32, %o: {kind}):
      %p = arith.maximumf %a, %zero : f32
      %r = arith.mulf %p, %p : f32
      {rounding}
      linalg.yield {rounded} : {kind}
    }} -> {s}
  {product("y", "%s, %w2", f"{s}, {w2}", y)}
  return %y : {y}
}}"""


def module(width, hidden, kind):
    functions = [expert_function("rows", "?", width, hidden, kind)]
    functions += [expert_function(f"rows{n}", n, width, hidden, kind) for n in FEW]
    return f"""
module @expert {{
util.global private @w1 = #flow.parameter.named<"expert"::"w1"> : tensor<{width}x{hidden}x{kind}>
util.global private @w2 = #flow.parameter.named<"expert"::"w2"> : tensor<{hidden}x{width}x{kind}>
{"".join(functions)}
}}"""


def to_numpy(t):
    if t.dtype == torch.float32:
        return t.numpy()
    return t.view(torch.int16).numpy().view(ml_dtypes.bfloat16)


def experts(w1, w2):
    """Each expert as a function of its rows."""
    import iree.compiler.tools as compiler
    import iree.runtime as runtime

    _, width, hidden = w1.shape
    kind = {torch.float32: "f32", torch.bfloat16: "bf16"}[w1.dtype]
    try:
        code = compiler.compile_str(
            module(width, hidden, kind), target_backends=["llvm-cpu"], extra_args=FLAGS
        )
    except compiler.CompilerToolError as error:
        lines = [line for line in str(error).split("\n") if "error:" in line]
        raise RuntimeError("; ".join(lines[:1]) or "iree-compile failed") from error
    threads = torch.get_num_threads()
    runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
    config = runtime.Config("local-sync" if threads == 1 else "local-task")
    instance, device = config.vm_instance, config.device

    def load(a, b):
        parameters = runtime.ParameterIndex()
        parameters.add_buffer("w1", a.view(torch.uint8).numpy())
        parameters.add_buffer("w2", b.view(torch.uint8).numpy())
        *_, loaded = runtime.load_vm_modules(
            runtime.create_io_parameters_module(
                instance, parameters.create_provider("expert")
            ),
            runtime.create_hal_module(instance, device),
            runtime.VmModule.copy_buffer(instance, code),
            config=config,
        )
        few = {n: loaded[f"rows{n}"] for n in FEW}
        any_number = loaded["rows"]

        def call(x):
            n = len(x)
            enough = next((f for f in FEW if f >= n), None)
            if enough is None:
                return torch.from_numpy(any_number(to_numpy(x)).to_host())
            if enough > n:
                x = torch.cat([x, x.new_zeros(enough - n, width)])
            return torch.from_numpy(few[enough](to_numpy(x)).to_host())[:n]

        return call

    return [load(a, b) for a, b in zip(w1, w2, strict=True)]
