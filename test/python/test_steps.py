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
from et_reference import BoundedThreshold, ExpertChoice
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


def own_scores(layer):
    """The statements that compute %scores in f32, by ops of linalg."""
    text, wide = "", {}
    for name in ("x", "router"):
        kind = layer.operand_type(name)
        wide[name] = kind.replace(layer.storage, "f32")
        if layer.storage == "f32":
            text += f"    %wide_{name} = tensor.cast %{name} : {kind} to {kind}\n"
        else:
            text += f"    %wide_{name} = arith.extf %{name} : {kind} to {wide[name]}\n"
    r = layer.type("TE", "f32")
    return f"""\
{text}\
    %zero = arith.constant 0.0 : f32
    %zeros = linalg.fill ins(%zero : f32) outs(%scores0 : {r}) -> {r}
    %scores = linalg.matmul ins(%wide_x, %wide_router : {", ".join(wide.values())})
      outs(%zeros : {r}) -> {r}
"""


def steps(layer, form, pairs, own=False, returned=("y",)):
    """@main of the layer's arguments, written as steps, some of which are returned.

    Buffers have room for the `pairs` of the plan ("exact") or for all ("bound"). Scores
    are by ops of another dialect if the layer has its `own`.
    """
    x, router, out = (*map(layer.operand_type, ("x", "router")), layer.type("TD"))
    r, mask, offsets = layer.type("TE", "f32"), layer.type("EW", "i32"), "tensor<?xi32>"
    rule = attribute(layer.routing)
    inputs = f"{operand(layer, 'theta')} {operand(layer, 'bias')}"
    types = {"y": out, "scores": r, "mask": mask, "gates": r}
    results = ", ".join(types[name] for name in returned)
    arguments = ", ".join(f"%{n}: {layer.operand_type(n)}" for n in layer.arrays)
    text = f"""\
func.func @main({arguments}) -> ({results}) {{
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
    scores = f"    %scores = et.scores {layer.score} ins(%x, %router : {x}, {router}) outs(%scores0 : {r})\n"
    if own:
        scores = own_scores(layer)
    if form == "route":
        text += f"""\
    %mask, %gates, %offsets = et.route {layer.score} {rule} ins(%x, %router : {x}, {router}) {inputs}
      outs(%mask0, %scores0, %offsets0 : {mask}, {r}, {offsets})
"""
    else:
        text += f"""\
{scores}\
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
    return {", ".join(f"%{name}" for name in returned)} : {results}
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


def run_counted(text, layer, target, kinds=()):
    """The results, and the kernels that were launched."""
    et_emulated.launched = []
    try:
        arguments = layer.arrays.values()
        results = run(text, arguments, [layer.storage, *kinds], target)
        return results, et_emulated.launched
    finally:
        et_emulated.launched = None


@pytest.mark.parametrize("seed", short_form(SEEDS, CORE))
def test_steps(seed):
    layer, (form, pairs, target) = layer_of(seed), choices(seed)
    where = f"seed {seed}, {form}, {pairs}, {target}\n  {layer}"
    text = steps(layer, form, pairs)
    (y,), kernels = run_counted(text, layer, target)
    (expected,), expected_kernels = run_counted(
        module([layer], outputs_only=True), layer, target
    )
    assert y.tobytes() == expected.tobytes(), where
    assert kernels == expected_kernels, where
    sums = matrix_gamma if target in CHIPS and layer.storage != "f32" else gamma
    results = run_batch([layer], target)[0]
    check_layer(layer, [y, *results[1:]], sums, where)


def own_layer(seed, arrays=True):
    """Whose scores are linear, and of which one launch can do the rest."""
    while True:
        layer = layer_of(2 * seed + 1, arrays=False)
        if layer.score == "linear" and layer.sizes["T"]:
            return layer_of(2 * seed + 1) if arrays else layer
        seed += 1000


OWN = range(7100, 7130)
OWN_CORE = cover(
    OWN,
    lambda seed: {*choices(seed)[2:], *features(own_layer(seed, arrays=False))},
)


@pytest.mark.parametrize("seed", short_form(OWN, OWN_CORE))
def test_own_scores(seed):
    """Scores by other ops: the rest is as fast, and has the bits of steps that stay apart.

    They stay apart where the function returns what is between them.
    """
    layer, (form, _, target) = own_layer(seed), choices(seed)
    form = "expert_ffn" if form == "route" else form
    where = f"seed {seed}, {form}, {target}\n  {layer}"
    text = steps(layer, form, "bound", own=True)
    (y,), kernels = run_counted(text, layer, target)
    text = steps(
        layer, form, "bound", own=True, returned=("y", "scores", "mask", "gates")
    )
    apart, apart_kernels = run_counted(text, layer, target, ("f32", "i32", "f32"))
    assert y.tobytes() == apart[0].tobytes(), where
    sums = matrix_gamma if target in CHIPS else gamma
    check_layer(layer, [y, *apart[1:]], sums, where)
    if target not in CHIPS:
        return
    is_by_expert = isinstance(layer.routing, BoundedThreshold | ExpertChoice)
    one_launch = layer.sizes["T"] <= 32 and not is_by_expert
    assert ("et_moe_one_launch" in kernels) == one_launch, where
    assert not any("et_moe" in kernel for kernel in apart_kernels), where
    if one_launch:
        # The scores of each of the emulator's schedules, and the rest of the layer.
        count = sum("linalg" in k or "arith" in k for k in apart_kernels)
        assert len(kernels) == count + len(et_emulated.SCHEDULES), where
    else:
        assert len(kernels) == len(apart_kernels), where
