# ===- test_steps.py - layers that are written as steps ----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A layer as steps has the bits, the launches and the kernels of the same layer as et.moe.

The output of the steps is compared bit for bit with that of `et.moe`, which is compared with
NumPy. A failure prints the seed.
"""

import numpy as np
import pytest

import et_emulated
from et_bounds import gamma, matrix_gamma
from et_cases import cover, short_form
from et_compare import check_layer
from et_emulated import CHIPS
from et_layers import attribute, features, in_turn, module, random_layer
from et_tools import run
from test_layers import run_batch

# How the experts are written, and where their rows come from.
FORMS = ["products", "expert_ffn", "gathered", "masked", "route"]
TARGETS = ["reference", "cpu", *CHIPS]


def operand(layer, name, clause=None):
    """`clause(%name : type)`, or nothing if the layer does without."""
    if name not in layer.arrays:
        return ""
    return f"{clause or name}(%{name} : {layer.operand_type(name)})"


def experts(layer, form, x, kind, plan):
    """The statements that compute %rows of the rows %{x}, by a plan."""
    weights = {n: layer.operand_type(n) for n in ("w1", "w2")}
    hidden, rows = layer.type("PF"), layer.type("PD")
    rest = [operand(layer, n) for n in ("b1", "b2", "gate", "gate_bias")]
    if form in ("expert_ffn", "gathered"):
        return f"""\
    %rows = et.expert_ffn {layer.activation} ins(%{x}, %w1, %w2 : {kind}, {", ".join(weights.values())})
      {plan} {" ".join(rest)} outs(%rows0 : {rows})
"""
    b1, gate, gate_bias = operand(layer, "b1", "bias"), *rest[2:]
    b2 = operand(layer, "b2", "bias")
    return f"""\
    {layer.empty("hidden0", "PF", layer.storage, "")}
    %hidden = et.grouped_matmul {layer.activation} ins(%{x}, %w1 : {kind}, {weights["w1"]})
      {plan} {b1} {gate} {gate_bias} outs(%hidden0 : {hidden})
    %rows = et.grouped_matmul none ins(%hidden, %w2 : {hidden}, {weights["w2"]})
      offsets(%offsets : tensor<?xi32>) {b2} outs(%rows0 : {rows})
"""


def beside(layer):
    """The statements that compute %beside, the rows of the shared expert."""
    text, kinds = "", {}
    for name, shape in (
        ("shared_w1", "DG"),
        ("shared_w2", "GD"),
        ("shared_gate", "DG"),
    ):
        if name not in layer.arrays:
            continue
        sizes = [layer.extent(s).replace("?", f"%n{s}") for s in shape]
        matrix = layer.operand_type(name)
        kinds[name] = matrix.replace("<", "<1x")
        text += f"""\
    %stack_{name} = tensor.expand_shape %{name} [[0, 1], [2]]
      output_shape [1, {", ".join(sizes)}] : {matrix} into {kinds[name]}
"""
    gate = ""
    if "shared_gate" in kinds:
        gate = f"gate(%stack_shared_gate : {kinds['shared_gate']})"
    x = layer.operand_type("x")
    return (
        text
        + f"""\
    {layer.empty("beside0", "TD", layer.storage, "")}
    %beside = et.expert_ffn {layer.activation}
      ins(%x, %stack_shared_w1, %stack_shared_w2 : {x}, {kinds["shared_w1"]}, {kinds["shared_w2"]})
      {gate} outs(%beside0 : {x})
"""
    )


def steps(layer, form, pairs):
    """@main of the layer's arguments, written as steps.

    Buffers have room for the `pairs` of the plan ("exact") or for all ("bound").
    """
    x, router, out = (*map(layer.operand_type, ("x", "router")), layer.type("TD"))
    r, mask, offsets = layer.type("TE", "f32"), layer.type("EW", "i32"), "tensor<?xi32>"
    rule = attribute(layer.routing)
    inputs = f"{operand(layer, 'theta')} {operand(layer, 'bias')}"
    arguments = ", ".join(f"%{n}: {layer.operand_type(n)}" for n in layer.arrays)
    text = f"""\
func.func @main({arguments}) -> {out} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c32 = arith.constant 32 : index
    %nT = tensor.dim %x, %c0 : {x}
    %nD = tensor.dim %x, %c1 : {x}
    %nE = tensor.dim %router, %c1 : {router}
    %nF = tensor.dim %w1, %c2 : {layer.operand_type("w1")}
    %nO = arith.addi %nE, %c1 : index
    %nW = arith.ceildivui %nT, %c32 : index
    {layer.empty("scores0", "TE", "f32", "")}
    {layer.empty("mask0", "EW", "i32", "")}
    {layer.empty("offsets0", "O", "i32", "")}
    {layer.empty("out", "TD", layer.storage, "")}
"""
    if form == "route":
        text += f"""\
    %mask, %gates, %offsets = et.route {layer.score} {rule} ins(%x, %router : {x}, {router}) {inputs}
      outs(%mask0, %scores0, %offsets0 : {mask}, {r}, {offsets})
"""
    else:
        text += f"""\
    %scores = et.scores {layer.score} ins(%x, %router : {x}, {router}) outs(%scores0 : {r})
    %mask, %gates = et.gate {rule} ins(%scores : {r}) {inputs} outs(%mask0, %scores0 : {mask}, {r})
    %offsets = et.offsets ins(%mask : {mask}) outs(%offsets0 : {offsets})
"""
    if pairs == "exact":
        text += f"""\
    %count = tensor.extract %offsets[%nE] : {offsets}
    %nP = arith.index_cast %count : i32 to index
"""
    else:
        text += "    %nP = arith.muli %nT, %nE : index\n"
    text += f"    {layer.empty('rows0', 'PD', layer.storage, '')}\n"
    plan = f"offsets(%offsets : {offsets})"
    if form == "masked":
        text += experts(layer, form, "x", x, f"{plan} mask(%mask : {mask})")
    else:
        text += f"""\
    {layer.empty("list0", "P", "i32", "")}
    %list = et.token_list ins(%mask, %offsets : {mask}, {offsets}) outs(%list0 : tensor<?xi32>)
"""
        if form == "gathered":
            rows = layer.type("PD")
            text += f"""\
    %mine = et.gather ins(%x, %list, %offsets : {x}, tensor<?xi32>, {offsets}) outs(%rows0 : {rows})
"""
            text += experts(layer, form, "mine", rows, plan)
        else:
            text += experts(
                layer, form, "x", x, f"{plan} tokens(%list : tensor<?xi32>)"
            )
    shared = ""
    if "shared_w1" in layer.arrays:
        text += f"    %nG = tensor.dim %shared_w1, %c1 : {layer.operand_type('shared_w1')}\n"
        text += beside(layer)
        shared = f"shared(%beside : {out})"
    return (
        text
        + f"""\
    %y = et.combine ins(%rows, %gates, %mask, %offsets : {layer.type("PD")}, {r}, {mask}, {offsets})
      {shared} outs(%out : {out})
    return %y : {out}
}}
"""
    )


def layer_of(seed, arrays=True):
    """Half of those for a GPU have sizes that one launch takes."""
    rng = np.random.default_rng(seed)
    sizes = {"T": int(rng.integers(0, 50)), "E": 8 * int(rng.integers(1, 3))}
    if seed % 2:
        sizes |= {"D": 16, "F": 24, "G": 8, "storage": in_turn(["f16", "bf16"], seed)}
    layer = random_layer(rng, work=1e6, arrays=arrays, **sizes)
    if seed % 2:
        layer.static = "DEFG" + layer.static
    return layer


def choices(seed):
    return (
        in_turn(FORMS, seed),
        in_turn(["exact", "bound"], seed),
        in_turn(TARGETS, seed),
    )


SEEDS = range(7000, 7060)
CORE = cover(
    SEEDS,
    lambda seed: {
        *features(layer_of(seed, arrays=False)),
        *choices(seed),
        (seed % 2, choices(seed)[2]),
    },
)


def run_counted(text, layer, target):
    """The output, and the kernels that were launched."""
    et_emulated.launched = []
    try:
        (y,) = run(text, layer.arrays.values(), [layer.storage], target)
        return y, et_emulated.launched
    finally:
        et_emulated.launched = None


@pytest.mark.parametrize("seed", short_form(SEEDS, CORE))
def test_steps(seed):
    layer, (form, pairs, target) = layer_of(seed), choices(seed)
    where = f"seed {seed}, {form}, {pairs}, {target}\n  {layer}"
    text = steps(layer, form, pairs)
    y, kernels = run_counted(text, layer, target)
    expected, expected_kernels = run_counted(
        module([layer], outputs_only=True), layer, target
    )
    assert y.tobytes() == expected.tobytes(), where
    assert kernels == expected_kernels, where
    sums = matrix_gamma if target in CHIPS and layer.storage != "f32" else gamma
    results = run_batch([layer], target)[0]
    check_layer(layer, [y, *results[1:]], sums, where)
