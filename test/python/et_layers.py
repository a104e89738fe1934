# ===- et_layers.py - random et.moe layers ----------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random `et.moe` layers: shapes, types, routing, weights, and their MLIR."""

from dataclasses import dataclass, fields

import numpy as np

from et_formats import DEFAULT, Blocks
from et_program import ELEMENT
from et_reference import (
    FP8,
    SCORING,
    STORAGE,
    BoundedThreshold,
    ExpertChoice,
    Threshold,
    TopK,
    TopP,
    scales_shape,
)

MNEMONIC = {
    Threshold: "threshold",
    BoundedThreshold: "bounded_threshold",
    TopK: "top_k",
    ExpertChoice: "expert_choice",
    TopP: "top_p",
}
ACTIVATIONS = ["none", "relu", "relu_squared", "gelu", "gelu_tanh", "silu"]
GATES = ["binary", "sigmoid", "relu", "raw"]


def in_turn(values, seed):
    """Each of n values once in every round of n seeds, in an order of the round's own, so
    that it meets all else that takes turns."""
    values = list(values)
    turn, place = divmod(seed, len(values))
    order = np.random.default_rng([turn, len(values)]).permutation(len(values))
    return values[order[place]]


# The operands of et.moe in order: their clause, and the sizes of their shapes; those of
# scales are of the weights.
OPERANDS = {
    "x": ("ins", "TD"),
    "router": ("ins", "DE"),
    "w1": ("ins", "EDF"),
    "w2": ("ins", "EFD"),
    "theta": ("theta", "E"),
    "bias": ("bias", "E"),
    "b1": ("b1", "EF"),
    "b2": ("b2", "ED"),
    "gate": ("gate", "EDF"),
    "gate_bias": ("gate_bias", "EF"),
    "w1_scales": ("w1_scales", "EDF"),
    "w2_scales": ("w2_scales", "EFD"),
    "gate_scales": ("gate_scales", "EDF"),
    "shared_w1": ("shared", "DG"),
    "shared_w2": ("shared", "GD"),
    "shared_gate": ("shared_gate", "DG"),
}


def attribute(routing):
    """The routing rule as MLIR prints it."""

    def text(value):
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:.17e}" if isinstance(value, float) else str(value)

    body = ", ".join(
        f"{f.name} = {text(getattr(routing, f.name))}" for f in fields(routing)
    )
    return f"#et.{MNEMONIC[type(routing)]}<{body}>"


@dataclass
class Layer:
    """One layer. `sizes` has T, D, E, F, G; `static` the sizes known in the IR."""

    score: str
    routing: object
    activation: str
    storage: str
    sizes: dict
    static: str
    special: str
    arrays: dict
    schedule: str = ""  # of the layer's #et.lowering_config, if it has one
    rate: float = 0.0  # of that config, without slack
    # Of weights that have scales; if it is not the default, et.dequantize makes the
    # layer's weights of them.
    format: Blocks = DEFAULT

    def array(self, name):
        return self.arrays.get(name)

    def weights(self):
        """The experts' weights by name; scaled ones as the values that they stand for."""
        return {
            k: self.format.values(
                v, self.arrays[f"{k}_scales"], self.sizes[OPERANDS[k][1][2]]
            )
            if f"{k}_scales" in self.arrays
            else v
            for k, v in self.arrays.items()
            if k not in ("x", "router", "theta", "bias")
        }

    def __str__(self):
        sizes = " ".join(f"{k}={v}" for k, v in self.sizes.items())
        return (
            f"{self.score} {attribute(self.routing)} {self.activation} {self.storage} "
            f"{sizes} static={self.static or '-'} inputs={self.special} "
            f"operands={','.join(self.arrays)}"
        )

    # -- MLIR ---------------------------------------------------------------

    def extent(self, symbol):
        if symbol == "W":
            return str(-(-self.sizes["T"] // 32)) if "T" in self.static else "?"
        return str(self.sizes[symbol]) if symbol in self.static else "?"

    def type(self, symbols, element=None):
        shape = "x".join(self.extent(s) for s in symbols)
        return f"tensor<{shape}x{element or self.storage}>"

    def operand_type(self, name):
        symbols = OPERANDS[name][1]
        if name.endswith("_scales") or f"{name}_scales" in self.arrays:
            sizes = [
                str(n)
                if self.extent(s) != "?" or self.format.block[i - 1] is None
                else "?"
                for i, (s, n) in enumerate(
                    zip(symbols, self.arrays[name].shape, strict=True)
                )
            ]
            element = ELEMENT[self.arrays[name].dtype]
            return f"tensor<{'x'.join([*sizes, element])}>"
        return self.type(symbols, "f32" if name in ("theta", "bias") else None)

    def is_dequantized(self, name):
        return self.format != DEFAULT and f"{name}_scales" in self.arrays

    def dequantized(self, p):
        """The statements that make %{p}w1_wide and others."""
        for name in filter(self.is_dequantized, self.arrays):
            symbols, scales = OPERANDS[name][1], f"{name}_scales"
            yield self.empty(f"{name}_init", symbols, self.storage, p)
            types = f"{self.operand_type(name)}, {self.operand_type(scales)}"
            yield (
                f"%{p}{name}_wide = et.dequantize {self.format.attribute} "
                f"ins(%{p}{name}, %{p}{scales} : {types}) "
                f"outs(%{p}{name}_init : {self.type(symbols)})"
            )

    def empty(self, name, symbols, element, p):
        sizes = ", ".join(f"%{p}n{s}" for s in symbols if self.extent(s) == "?")
        return f"%{p}{name} = tensor.empty({sizes}) : {self.type(symbols, element)}"

    def clause(self, keyword, p):
        names = [n for n in self.arrays if OPERANDS[n][0] == keyword]
        if not names or (self.format != DEFAULT and keyword.endswith("_scales")):
            return ""
        wide = {n for n in names if self.is_dequantized(n)}
        values = ", ".join(f"%{p}{n}{'_wide' if n in wide else ''}" for n in names)
        types = ", ".join(
            self.type(OPERANDS[n][1]) if n in wide else self.operand_type(n)
            for n in names
        )
        return f"{keyword}({values} : {types})"

    def body(self, p):
        """The statements that compute %{p}y, %{p}r, %{p}mask and %{p}g."""
        out, r = self.type("TD"), self.type("TE", "f32")
        mask, x, w = (
            self.type("EW", "i32"),
            self.operand_type("x"),
            self.operand_type("router"),
        )
        clauses = " ".join(
            filter(
                None,
                (
                    self.clause(k, p)
                    for k in dict.fromkeys(keyword for keyword, _ in OPERANDS.values())
                ),
            )
        )
        inputs = " ".join(filter(None, (self.clause(k, p) for k in ("theta", "bias"))))
        rule = attribute(self.routing)
        config = f"schedule = {self.schedule}"
        if self.rate:
            config += f", rate = {self.rate:.17e}, slack = 0.0"
        config = f"#et.lowering_config<{config}>"
        config = f" {{lowering_config = {config}}}" if self.schedule else ""
        wide = "\n    ".join(self.dequantized(p))
        if wide:
            f = f"%{p}nF = tensor.dim %{p}w2, %c1 : {self.operand_type('w2')}"
            wide = f"{f}\n    {wide}"
        return f"""\
    %{p}nT = tensor.dim %{p}x, %c0 : {x}
    %{p}nD = tensor.dim %{p}x, %c1 : {x}
    %{p}nE = tensor.dim %{p}router, %c1 : {w}
    %{p}nW = arith.ceildivui %{p}nT, %c32 : index
    {self.empty("y0", "TD", self.storage, p)}
    {self.empty("r0", "TE", "f32", p)}
    {self.empty("m0", "EW", "i32", p)}
    {self.empty("g0", "TE", "f32", p)}
    {wide}
    %{p}y = et.moe {self.score} {rule} {self.activation} {clauses} outs(%{p}y0 : {out}){config}
    %{p}r = et.scores {self.score} ins(%{p}x, %{p}router : {x}, {w}) outs(%{p}r0 : {r})
    %{p}mask, %{p}g = et.gate {rule} ins(%{p}r : {r}) {inputs}
      outs(%{p}m0, %{p}g0 : {mask}, {r})
"""

    def results(self, p):
        types = [
            self.type("TD"),
            self.type("TE", "f32"),
            self.type("EW", "i32"),
            self.type("TE", "f32"),
        ]
        return list(
            zip([f"%{p}y", f"%{p}r", f"%{p}mask", f"%{p}g"], types, strict=True)
        )


def module(layers, outputs_only=False, weights=False):
    """One function @main of all the layers' arguments and results, in order.

    With `outputs_only`, of what a layer's et.moe returns and nothing it keeps to
    itself. With `weights`, all arguments but x are weights called `l0_w1`.
    """
    prefixes = [f"l{i}_" for i in range(len(layers))]

    def attributes(argument, name):
        if not weights:
            return ""
        kind = "name" if name == "x" else "weight"
        return f' {{et.{kind} = "{argument}"}}'

    arguments = ", ".join(
        f"%{p}{name}: {layer.operand_type(name)}{attributes(p + name, name)}"
        for p, layer in zip(prefixes, layers, strict=True)
        for name in layer.arrays
    )
    kept = 1 if outputs_only else None
    results = [
        r
        for p, layer in zip(prefixes, layers, strict=True)
        for r in layer.results(p)[:kept]
    ]
    body = "".join(layer.body(p) for p, layer in zip(prefixes, layers, strict=True))
    types = ", ".join(t for _, t in results)
    return (
        f"func.func @main({arguments})\n    -> ({types}) {{\n"
        "    %c0 = arith.constant 0 : index\n"
        "    %c1 = arith.constant 1 : index\n"
        "    %c32 = arith.constant 32 : index\n"
        f"{body}    return {', '.join(v for v, _ in results)} : {types}\n}}\n"
    )


def features(layer):
    """What a layer shows, for et_cases.py."""
    rule, name = layer.routing, type(layer.routing).__name__
    gated = "gated" if "gate" in layer.arrays else "not gated"
    shown = {layer.score, layer.special, name, layer.activation, layer.storage, gated}
    shown |= set(layer.arrays)
    shown |= {f"{s} static={s in layer.static}" for s in layer.sizes}
    shown |= {"tokens" if layer.sizes["T"] else "no token"}
    for field in fields(rule):
        value = getattr(rule, field.name)
        if field.name == "groups":
            value = value > 1
        if isinstance(value, str | bool):
            shown.add(f"{name} {field.name}={value}")
    return shown


def features_by_type(layer):
    """With each rule and activation, and a product's gate, in each type."""
    gated = "gate" in layer.arrays
    what = (type(layer.routing).__name__, layer.activation, gated)
    return features(layer) | {(layer.storage, one) for one in what}


# ---------------------------------------------------------------------------
# Random layers
# ---------------------------------------------------------------------------


def random_routing(rng, experts, special):
    if special in ("no pair", "all pairs", "nan threshold"):
        kind = 0
    else:
        kind = rng.choice(5, p=[0.5, 0.1, 0.2, 0.1, 0.1])
    gate, compare = str(rng.choice(GATES)), str(rng.choice(["gt", "ge"]))
    if kind == 0:
        return Threshold(compare, gate)
    if kind == 1:
        return BoundedThreshold(
            float(rng.uniform(0.05, 0.9)), float(rng.uniform(0, 1)), compare, gate
        )
    if kind == 2:
        divisors = [g for g in range(1, experts + 1) if experts % g == 0]
        groups = int(rng.choice(divisors)) if rng.random() < 0.5 else 1
        limit = int(rng.integers(1, groups + 1))
        k = int(rng.integers(1, min(8, limit * (experts // groups)) + 1))
        return TopK(
            k,
            str(rng.choice(list(SCORING))),
            bool(rng.random() < 0.5),
            groups,
            limit,
        )
    if kind == 3:
        return ExpertChoice(float(rng.uniform(0.0, 1.0)), gate)
    return TopP(float(rng.uniform(0.1, 0.95)), bool(rng.random() < 0.5))


SPECIALS = [
    "plain",
    "no pair",
    "all pairs",
    "nan threshold",
    "non-finite token",
    "zero token",
]


def random_matrix_layer(rng, arrays=True, **fixed):
    """A random layer of 16-bit elements whose widths are known multiples of 8.

    It takes a kernel a step, however few tokens it has.
    """
    sizes = {
        "T": int(rng.choice([0, 1, 16, 17, 64, 65, 128, 129, rng.integers(2, 200)])),
        "E": int(rng.choice([8, 72, rng.integers(1, 9)], p=[0.3, 0.1, 0.6])),
    }
    sizes |= {width: 8 * int(rng.integers(1, 24)) for width in "DFG"}
    sizes |= fixed
    storage = str(rng.choice(["f16", "bf16"]))
    layer = random_layer(rng, arrays=arrays, **{"storage": storage} | sizes)
    layer.static = "DFG" + layer.static
    layer.schedule = "grouped"
    return layer


def random_layer(rng, work=2e7, arrays=True, **fixed):
    """A layer of at most `work` multiplications when every pair is selected.

    What is fixed (special, storage, or sizes by their letters) is not random. Without
    `arrays` the layer's are None: what remains says what it would show.
    """
    special = str(rng.choice(SPECIALS, p=[0.6, 0.06, 0.1, 0.06, 0.1, 0.08]))
    special = fixed.get("special", special)
    sizes = {
        "T": int(
            rng.choice([0, 1, 31, 32, 33, 500])
            if rng.random() < 0.3
            else rng.integers(0, 501)
        ),
        "E": int(
            rng.choice([1, 2, 33, 64]) if rng.random() < 0.3 else rng.integers(1, 65)
        ),
    }
    area = work / (3 * (sizes["T"] + 1) * sizes["E"])
    longest = max(2, min(150, int(2 * area**0.5)))
    sizes["D"] = int(rng.integers(1, longest + 1))
    sizes["F"] = int(rng.integers(1, max(2, min(150, int(area / sizes["D"]))) + 1))
    sizes["G"] = int(rng.integers(1, longest + 1))
    sizes |= {letter: fixed[letter] for letter in sizes if letter in fixed}
    routing = random_routing(rng, sizes["E"], special)
    score = str(rng.choice(["linear", "cosine"]))
    if score == "cosine" and isinstance(routing, TopK):
        sizes["D"] = max(sizes["D"], 2)  # All scores are 1 or -1 at D = 1: groups tie.
    layer = Layer(
        score=score,
        routing=routing,
        activation=str(rng.choice(ACTIVATIONS)),
        storage=fixed.get("storage") or str(rng.choice(list(STORAGE))),
        sizes=sizes,
        static="".join(s for s in "TDEFG" if rng.random() < (0.2 if s == "T" else 0.5)),
        special=special,
        arrays={},
    )
    names = ["x", "router", "w1", "w2"]
    if isinstance(routing, (Threshold, BoundedThreshold)):
        names.append("theta")
    if isinstance(routing, TopK) and rng.random() < 0.5:
        names.append("bias")
    names += [n for n in ("b1", "b2") if rng.random() < 0.4]
    if rng.random() < 0.4:
        names.append("gate")
        names += [n for n in ("gate_bias",) if rng.random() < 0.5]
    if rng.random() < 0.4:
        names += ["shared_w1", "shared_w2"] + (
            ["shared_gate"] if "gate" in names else []
        )
    layer.arrays = dict.fromkeys(names)
    if arrays:
        for name in names:
            layer.arrays[name] = random_operand(rng, layer, name)
        make_special(rng, layer)
    return layer


def with_format(rng, layer, kind):
    """The same layer with other experts, whose weights are stored in a format."""
    layer.format = kind
    for name in ("w1", "w2", "gate"):
        if name not in layer.arrays:
            continue
        shape = tuple(layer.sizes[s] for s in OPERANDS[name][1])
        layer.arrays[name] = kind.random(rng, shape)
        most = 1 / (50 * max(shape[1], 1) ** 0.5 * kind.largest)
        scales = rng.uniform(-most, most, scales_shape(shape, kind.block))
        layer.arrays[f"{name}_scales"] = scales.astype(np.float32)
    layer.arrays = {k: layer.arrays[k] for k in OPERANDS if k in layer.arrays}
    return layer


def with_fp8_weights(rng, layer):
    """The same layer with other experts, whose weights are f8E4M3FN.

    Some are zero, subnormal or the largest, and in one layer of six one is NaN.
    """
    for name in ("w1", "w2", "gate"):
        if name not in layer.arrays:
            continue
        shape = layer.arrays[name].shape
        values = rng.standard_normal(shape) * 2.0 ** rng.integers(-10, 8, shape)
        values = np.clip(values, -448, 448).astype(FP8)
        layer.arrays[name] = values
        scales = rng.uniform(-1, 1, scales_shape(shape)) / (50 * shape[1] ** 0.5)
        layer.arrays[f"{name}_scales"] = scales.astype(np.float32)
    if rng.random() < 1 / 6:
        name = str(rng.choice(["w1", "w2"]))
        w = layer.arrays[name]
        w[tuple(rng.integers(n) for n in w.shape)] = np.nan
    layer.arrays = {k: layer.arrays[k] for k in OPERANDS if k in layer.arrays}
    return layer


def random_operand(rng, layer, name):
    """Values near 1 in every stage: a weight is divided by the root of its fan-in."""
    symbols = OPERANDS[name][1]
    shape = [layer.sizes[s] for s in symbols]
    values = rng.standard_normal(shape)
    if name == "theta" and layer.score == "cosine":
        values = values / layer.sizes["D"] ** 0.5
    if name in ("theta", "bias"):
        return values.astype(np.float32)
    if name in ("router", "w1", "w2", "gate", "shared_w1", "shared_w2", "shared_gate"):
        values = values / max(shape[-2], 1) ** 0.5
    return values.astype(STORAGE[layer.storage])


def make_special(rng, layer):
    x, tokens = layer.arrays["x"], layer.sizes["T"]
    if layer.special == "no pair":
        layer.arrays["theta"][:] = np.inf
    elif layer.special == "all pairs":
        layer.arrays["theta"][:] = -np.inf
    elif layer.special == "nan threshold":
        layer.arrays["theta"][rng.integers(layer.sizes["E"])] = np.nan
    elif layer.special == "zero token" and tokens:
        x[rng.integers(tokens)] = 0
    elif layer.special == "non-finite token" and tokens:
        for value in (np.nan, np.inf, -np.inf):
            x[rng.integers(tokens), rng.integers(layer.sizes["D"])] = value
