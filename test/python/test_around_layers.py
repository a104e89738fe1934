# ===- test_around_layers.py - what models have beside layers ---------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Ops on tensors and linalg ops of all forms, in one function a target, against NumPy."""

import ml_dtypes
import numpy as np
import pytest

import et_tools

f32, f64, bf16 = np.float32, np.float64, ml_dtypes.bfloat16

MODULE = """
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#transposed = affine_map<(i, j) -> (j, i)>
func.func @main(%x: tensor<?x37xf32>, %v: tensor<37xf32>, %h: tensor<3x?xbf16>,
                %i: tensor<?xi32>, %j: tensor<?xi32>, %s: tensor<f32>)
    -> (tensor<?x37xf32>, tensor<?x37xf32>, tensor<3x?xbf16>, tensor<3x?xbf16>, tensor<?xi32>,
        tensor<?xf32>, tensor<f32>, tensor<f32>, tensor<?x37xf32>, tensor<?x37xf32>,
        tensor<?x5x4x8xf32>, tensor<?x37xf32>, tensor<?x74xf32>, tensor<37x?xf32>, tensor<?x?xf32>,
        tensor<?x37xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x37xf32>
  %m = tensor.dim %h, %c1 : tensor<3x?xbf16>
  %k = tensor.dim %i, %c0 : tensor<?xi32>
  %xe = tensor.empty(%n) : tensor<?x37xf32>
  %he = tensor.empty(%m) : tensor<3x?xbf16>
  %se = tensor.empty() : tensor<f32>

  // Softmax along either dimension, and of 16 bits along many elements.
  %r0 = linalg.softmax dimension(1) ins(%x : tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %r1 = linalg.softmax dimension(0) ins(%x : tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %r2 = linalg.softmax dimension(1) ins(%h : tensor<3x?xbf16>) outs(%he : tensor<3x?xbf16>) -> tensor<3x?xbf16>

  // Arithmetic, comparisons and casts of whole tensors.
  %h1 = arith.addf %h, %h : tensor<3x?xbf16>
  %h2 = arith.mulf %h1, %h : tensor<3x?xbf16>
  %is_less = arith.cmpf olt, %h2, %h : tensor<3x?xbf16>
  %r3 = arith.select %is_less, %h2, %h : tensor<3x?xi1>, tensor<3x?xbf16>
  %one = arith.constant 1 : i32
  %ones = tensor.splat %one[%k] : tensor<?xi32>
  %odd = arith.ori %j, %ones : tensor<?xi32>
  %q = arith.divsi %i, %odd : tensor<?xi32>
  %r4 = arith.remsi %q, %odd : tensor<?xi32>
  %r5 = arith.sitofp %r4 : tensor<?xi32> to tensor<?xf32>

  // Rank 0, and a sum over everything.
  %root = math.sqrt %s : tensor<f32>
  %r6 = arith.addf %root, %s : tensor<f32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<f32>) -> tensor<f32>
  %r7 = linalg.reduce { arith.addf } ins(%v : tensor<37xf32>) outs(%s0 : tensor<f32>) dimensions = [0]

  // A norm of rows, scaled by a number of the host.
  %re = tensor.empty(%n) : tensor<?xf32>
  %rz = linalg.fill ins(%zero : f32) outs(%re : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x37xf32>) outs(%rz : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %aa = arith.mulf %a, %a : f32
    %sum = arith.addf %aa, %o : f32
    linalg.yield %sum : f32
  } -> tensor<?xf32>
  %count = arith.index_cast %n : index to i32
  %tokens = arith.uitofp %count : i32 to f32
  %scale = math.rsqrt %tokens : f32
  %r8 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %squares : tensor<?x37xf32>, tensor<?xf32>) outs(%xe : tensor<?x37xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %norm = math.rsqrt %b : f32
    %p = arith.mulf %a, %norm : f32
    %r = arith.mulf %p, %scale : f32
    linalg.yield %r : f32
  } -> tensor<?x37xf32>

  // Ops with names.
  %t0 = linalg.exp ins(%x : tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %t1 = linalg.elementwise kind=#linalg.elementwise_kind<add> ins(%t0, %x : tensor<?x37xf32>, tensor<?x37xf32>)
      outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %t2 = linalg.broadcast ins(%v : tensor<37xf32>) outs(%xe : tensor<?x37xf32>) dimensions = [0]
  %r9 = linalg.map { arith.mulf } ins(%t1, %t2 : tensor<?x37xf32>, tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>)
  %four = arith.constant 4 : index
  %blocks = arith.ceildivui %n, %four : index
  %pe = tensor.empty(%blocks) : tensor<?x5x4x8xf32>
  %r10 = linalg.pack %x padding_value(%zero : f32) inner_dims_pos = [0, 1] inner_tiles = [4, 8]
      into %pe : tensor<?x37xf32> -> tensor<?x5x4x8xf32>
  %r11 = linalg.unpack %r10 inner_dims_pos = [0, 1] inner_tiles = [4, 8]
      into %xe : tensor<?x5x4x8xf32> -> tensor<?x37xf32>
  %r12 = tensor.concat dim(1) %x, %r9 : (tensor<?x37xf32>, tensor<?x37xf32>) -> tensor<?x74xf32>
  %te = tensor.empty(%n) : tensor<37x?xf32>
  %r13 = linalg.transpose ins(%x : tensor<?x37xf32>) outs(%te : tensor<37x?xf32>) permutation = [1, 0]
  %ce = tensor.empty(%n, %n) : tensor<?x?xf32>
  %cz = linalg.fill ins(%zero : f32) outs(%ce : tensor<?x?xf32>) -> tensor<?x?xf32>
  %r14 = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>,
                                          affine_map<(i, j, k) -> (i, j)>]
      ins(%x, %x : tensor<?x37xf32>, tensor<?x37xf32>) outs(%cz : tensor<?x?xf32>) -> tensor<?x?xf32>

  // Places of elements, along rows and across them.
  %r15 = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
      outs(%xe : tensor<?x37xf32>) {
  ^bb0(%o: f32):
    %a = linalg.index 0 : index
    %b = linalg.index 1 : index
    %ab = arith.muli %a, %b : index
    %ab32 = arith.index_cast %ab : index to i32
    %f = arith.sitofp %ab32 : i32 to f32
    linalg.yield %f : f32
  } -> tensor<?x37xf32>
  return %r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8, %r9, %r10, %r11, %r12, %r13, %r14, %r15
    : tensor<?x37xf32>, tensor<?x37xf32>, tensor<3x?xbf16>, tensor<3x?xbf16>, tensor<?xi32>,
      tensor<?xf32>, tensor<f32>, tensor<f32>, tensor<?x37xf32>, tensor<?x37xf32>,
      tensor<?x5x4x8xf32>, tensor<?x37xf32>, tensor<?x74xf32>, tensor<37x?xf32>, tensor<?x?xf32>,
      tensor<?x37xf32>
}
"""  # fmt: skip
# Results that no rounding can tell apart from NumPy's.
EXACT = {3, 4, 5, 10, 11, 13, 15}


def softmax(x, axis):
    x = x.astype(f64)
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(axis, keepdims=True))
        return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80"])
def test_ops_beside_layers(target):
    rng = np.random.default_rng(7)
    n = 11
    x = rng.standard_normal((n, 37)).astype(f32)
    x[2, 5], x[3, 36], x[4], x[5, 0] = np.nan, np.inf, -np.inf, 200
    v = rng.standard_normal(37).astype(f32)
    h = rng.standard_normal((3, 1000)).astype(bf16)
    i = rng.integers(-1000, 1000, 21).astype(np.int32)
    j = rng.integers(-9, 9, 21).astype(np.int32)
    s = np.array(2.5, f32)
    kinds = ["f32"] * 2 + ["bf16"] * 2 + ["i32"] + ["f32"] * 11
    found = et_tools.run(MODULE, [x, v, h, i, j, s], kinds, target)

    quotient = (i.astype(f64) / (j | 1)).astype(int)
    remainder = np.fmod(quotient, j | 1)
    twice = (h + h) * h
    rows = x.astype(f64)
    with np.errstate(all="ignore"):
        named = ((np.exp(rows) + rows) * v).astype(f32)
        norm = rows / np.sqrt((rows**2).sum(1, keepdims=True) * n)
        product = rows @ rows.T
    padded = np.zeros((12, 40), f32)
    padded[:n, :37] = x
    expected = [
        softmax(x, 1), softmax(x, 0), softmax(h, 1), np.where(twice < h, twice, h),
        remainder, remainder, np.sqrt(2.5) + 2.5, v.astype(f64).sum(), norm, named,
        padded.reshape(3, 4, 5, 8).transpose(0, 2, 1, 3), x, np.hstack([x, named]),
        x.T, product, np.outer(np.arange(n), np.arange(37)),
    ]  # fmt: skip
    np.testing.assert_array_equal(found[12][:, :37], x)
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.shape == np.shape(b)
        if k in EXACT:
            np.testing.assert_array_equal(a.astype(f64), b.astype(f64), f"%r{k}")
            continue
        tolerance = 2.0**-8 if kinds[k] == "bf16" else 1e-5
        np.testing.assert_allclose(
            a.astype(f64),
            np.asarray(b, f64),
            rtol=tolerance,
            atol=1e-6,
            err_msg=f"%r{k}",
        )


V, V4 = "tensor<?xf32>", "tensor<4xf32>"
# Functions that return one tensor twice, or parts of one: name, arguments, results, body.
SHARING = [
    ("argument", "%x", [V, V], "return %x, %x"),
    ("value", "%x", [V] * 3, f"%y = arith.mulf %x, %x : {V}\n  return %y, %y, %y"),
    (
        "part",
        "%x",
        [V4, V],
        f"%y = arith.mulf %x, %x : {V}\n"
        f"  %s = tensor.extract_slice %y[2] [4] [1] : {V} to {V4}\n  return %s, %y",
    ),
    (
        "part_of_argument",
        "%x",
        [V, V4],
        f"%s = tensor.extract_slice %x[2] [4] [1] : {V} to {V4}\n  return %x, %s",
    ),
    (
        "shape",
        "%x",
        ["tensor<8xf32>", "tensor<2x4xf32>"],
        f"%y = arith.negf %x : {V}\n  %c = tensor.cast %y : {V} to tensor<8xf32>\n"
        "  %e = tensor.expand_shape %c [[0, 1]] output_shape [2, 4]"
        " : tensor<8xf32> into tensor<2x4xf32>\n  return %c, %e",
    ),
    (
        "either",
        "%x, %c",
        [V, V],
        f"%y = arith.mulf %x, %x : {V}\n"
        f"  %s = arith.select %c, %x, %y : {V}\n  return %s, %x",
    ),
    (
        "branch",
        "%x, %c",
        [V, V],
        f"%s:2 = scf.if %c -> ({V}, {V}) {{\n    %y = arith.mulf %x, %x : {V}\n"
        f"    scf.yield %y, %y : {V}, {V}\n  }} else {{\n"
        f"    scf.yield %x, %x : {V}, {V}\n  }}\n  return %s#0, %s#1",
    ),
    (
        "calls",
        "%x",
        [V] * 3,
        f"%a:3 = call @value(%x) : ({V}) -> ({V}, {V}, {V})\n"
        f"  %b:2 = call @argument(%a#0) : ({V}) -> ({V}, {V})\n"
        "  return %a#0, %b#0, %a#1",
    ),
    (
        "itself",
        "%x, %c",
        [V, V],
        f"%s:2 = scf.if %c -> ({V}, {V}) {{\n    %f = arith.constant false\n"
        f"    %y = arith.addf %x, %x : {V}\n"
        f"    %t:2 = func.call @itself(%y, %f) : ({V}, i1) -> ({V}, {V})\n"
        f"    scf.yield %t#1, %t#1 : {V}, {V}\n  }} else {{\n"
        f"    scf.yield %x, %x : {V}, {V}\n  }}\n  return %s#0, %s#1",
    ),
    # What a caller passes twice, and writes to one of.
    (
        "thrice",
        "%x, %y",
        [V],
        f"%d = arith.addf %x, %x : {V}\n  %t = arith.addf %d, %y : {V}\n  return %t",
    ),
]
ARGUMENTS = {"%x": V, "%y": V, "%c": "i1"}
DIVISIONS = ["divsi", "divui", "remsi", "remui", "ceildivsi", "ceildivui", "floordivsi"]


def sharing_module():
    """@main writes to each result of each call in turn, and returns all of them."""
    functions, body, results = [], [], []
    for name, arguments, kinds, text in SHARING:
        parameters = arguments.split(", ")
        given = ", ".join(ARGUMENTS[p] for p in parameters)
        taken = ", ".join(f"{p}: {ARGUMENTS[p]}" for p in parameters)
        types = ", ".join(kinds)
        functions.append(
            f"func.func private @{name}({taken}) -> ({types}) {{\n  {text} : {types}\n}}"
        )
        passed = arguments.replace("%y", "%x")
        call = f"call @{name}({passed}) : ({given}) -> ({types})"
        for i, kind in enumerate(kinds):
            at = f"%{name}{i}"
            body += [f"{at}:{len(kinds)} = {call}"]
            body += [f"{at}w = arith.addf {at}#{i}, {at}#{i} : {kind}"]
            results += [
                (f"{at}w" if i == k else f"{at}#{k}", t) for k, t in enumerate(kinds)
            ]
    thrice = f"func.call @thrice(%p, %q) : ({V}, {V}) -> {V}"
    body.append(f"""
  %for:2 = scf.for %i = %c0 to %c2 step %c1 iter_args(%p = %x, %q = %x) -> ({V}, {V}) {{
    %s = {thrice}
    scf.yield %s, %s : {V}, {V}
  }}
  %while:3 = scf.while (%i = %c0, %p = %x, %q = %x) : (index, {V}, {V}) -> (index, {V}, {V}) {{
    %more = arith.cmpi ult, %i, %c2 : index
    %s = arith.addf %p, %q : {V}
    scf.condition(%more) %i, %s, %s : index, {V}, {V}
  }} do {{
  ^bb0(%i: index, %p: {V}, %q: {V}):
    %s = {thrice}
    %next = arith.addi %i, %c1 : index
    scf.yield %next, %s, %s : index, {V}, {V}
  }}""")
    for loop, first in (("for", 0), ("while", 1)):
        body.append(f"%{loop}w = arith.addf %{loop}#{first}, %{loop}#{first} : {V}")
        results += [(f"%{loop}w", V), (f"%{loop}#{first + 1}", V)]

    # Reductions over no elements that do not read what was there, and elements
    # that no iteration writes.
    body.append("""
  %last = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%none : tensor<3x?xf32>) outs(%three : tensor<3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<3xf32>
  %some = linalg.generic {indexing_maps = [#row1, #twice], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%sixteen : tensor<16xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<16xf32>""")
    results += [("%last", "tensor<3xf32>"), ("%some", "tensor<16xf32>")]
    for name in DIVISIONS:
        body.append(f"%{name} = arith.{name} %m, %n : tensor<?xi32>")
        body.append(f"%{name}8 = arith.{name} %m8, %n8 : tensor<?xi8>")
        results += [(f"%{name}", "tensor<?xi32>"), (f"%{name}8", "tensor<?xi8>")]
    values = ", ".join(value for value, _ in results)
    types = ", ".join(kind for _, kind in results)
    text = "\n  ".join(body)
    module = f"""#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#row1 = affine_map<(i) -> (i)>
#twice = affine_map<(i) -> (i * 2)>
func.func @main(%x: {V}, %c: i1, %none: tensor<3x?xf32>, %three: tensor<3xf32>,
                %sixteen: tensor<16xf32>, %m: tensor<?xi32>, %n: tensor<?xi32>,
                %m8: tensor<?xi8>, %n8: tensor<?xi8>) -> ({types}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  {text}
  return {values} : {types}
}}
"""
    return "\n".join([module, *functions]), [kind for _, kind in results]


def shared_results(x, c):
    """What the functions of SHARING return."""
    y = x * x
    return [
        [x, x], [y, y, y], [y[2:6], y], [x, x[2:6]], [-x, -x.reshape(2, 4)],
        [x if c else y, x], [y, y] if c else [x, x], [y, y, y], [x + x] * 2 if c else [x, x],
        [x * 3],
    ]  # fmt: skip


def divide(name, a, b):
    """By Python's integers; what MLIR leaves undefined as docs/AroundLayers.md says."""
    bits = a.dtype.itemsize * 8
    unsigned = name.endswith("ui")

    def one(a, b):
        if unsigned:
            a, b = a % 2**bits, b % 2**bits
        if b == 0:
            return a if name.startswith("rem") else -1
        if name.startswith("ceil"):
            return -(-a // b)
        if name.startswith("floor"):
            return a // b
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if name.startswith("div") else a - quotient * b

    values = [one(int(p), int(q)) % 2**bits for p, q in zip(a, b, strict=True)]
    return np.array(values, np.uint64).astype(f"u{bits // 8}").view(a.dtype)


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80"])
@pytest.mark.parametrize("c", [False, True])
def test_shared_results_empty_reductions_and_divisions(target, c):
    text, kinds = sharing_module()
    rng = np.random.default_rng(8)
    x = rng.integers(1, 9, 8).astype(f32)
    three, sixteen = (
        rng.standard_normal(3).astype(f32),
        rng.standard_normal(16).astype(f32),
    )
    edges = [(m, n) for m in (-128, -7, 0, 7, 127) for n in (-128, -2, -1, 0, 1, 2)]
    m8, n8 = np.array(edges, np.int8).T.copy()
    m, n = m8.astype(np.int32), n8.astype(np.int32)
    m[m == -128], n[n == -128] = -(2**31), -(2**31)
    arrays = [x, np.array(c), np.zeros((3, 0), f32), three, sixteen, m, n, m8, n8]
    found = et_tools.run(text, arrays, [k[7:-1].split("x")[-1] for k in kinds], target)

    expected = []
    for values in shared_results(x, c):
        for i in range(len(values)):
            expected += [v * 2 if i == k else v for k, v in enumerate(values)]
    spread = sixteen.copy()
    spread[::2] = x
    expected += [x * 18, x * 9, x * 144, x * 72, three, spread]
    for name in DIVISIONS:
        expected += [divide(name, m, n), divide(name, m8, n8)]
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_array_equal(a, b, err_msg=f"result {k}")


BLOCKS = """
func.func private @branch(%x: tensor<?xf32>, %c: i1) -> (tensor<?xf32>, tensor<?xf32>) {
  cf.cond_br %c, ^then, ^else
^then:
  %v = tensor.extract_slice %x[1] [1] [1] : tensor<?xf32> to tensor<1xf32>
  %m = tensor.insert_slice %v into %x[0] [1] [1] : tensor<1xf32> into tensor<?xf32>
  %n = arith.addf %m, %x : tensor<?xf32>
  return %n, %x : tensor<?xf32>, tensor<?xf32>
^else:
  return %x, %x : tensor<?xf32>, tensor<?xf32>
}
func.func private @loop(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  cf.br ^head(%c0, %x : index, tensor<?xf32>)
^head(%i: index, %t: tensor<?xf32>):
  %more = arith.cmpi slt, %i, %n : index
  cf.cond_br %more, ^body, ^end
^body:
  %v = tensor.extract_slice %t[1] [1] [1] : tensor<?xf32> to tensor<1xf32>
  %m = tensor.insert_slice %v into %t[0] [1] [1] : tensor<1xf32> into tensor<?xf32>
  %s = arith.addf %m, %t : tensor<?xf32>
  %next = arith.addi %i, %c1 : index
  cf.br ^head(%next, %s : index, tensor<?xf32>)
^end:
  return %t : tensor<?xf32>
}
func.func private @switch(%x: tensor<?xf32>, %k: i32) -> tensor<?xf32> {
  cf.switch %k : i32, [default: ^last(%x : tensor<?xf32>), 1: ^one, 2: ^two]
^one:
  %a = arith.mulf %x, %x : tensor<?xf32>
  cf.br ^last(%a : tensor<?xf32>)
^two:
  %b = arith.negf %x : tensor<?xf32>
  cf.br ^last(%b : tensor<?xf32>)
^last(%y: tensor<?xf32>):
  return %y : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32>, %n: index, %c: i1, %k: i32)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %twice = arith.addf %x, %x : tensor<?xf32>
  %a, %b = call @branch(%twice, %c) : (tensor<?xf32>, i1) -> (tensor<?xf32>, tensor<?xf32>)
  %nine = arith.constant dense<9.0> : tensor<1xf32>
  %w = tensor.insert_slice %nine into %a[0] [1] [1] : tensor<1xf32> into tensor<?xf32>
  %l = call @loop(%x, %n) : (tensor<?xf32>, index) -> tensor<?xf32>
  %s = call @switch(%twice, %k) : (tensor<?xf32>, i32) -> tensor<?xf32>
  return %w, %a, %b, %l, %s
    : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
"""


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80"])
@pytest.mark.parametrize(("n", "k"), [(0, 0), (1, 1), (3, 2)])
def test_blocks(target, n, k):
    """Blocks may write to the tensors that other blocks read, and go in circles."""
    x = np.arange(1, 6, dtype=f32)
    found = et_tools.run(
        BLOCKS,
        [x, np.array(n, np.int64), np.array(n > 0), np.array(k, np.int32)],
        ["f32"] * 5,
        target,
    )
    twice = x + x
    branch, loop = twice.copy(), x.copy()
    if n > 0:
        branch[0] = twice[1]
        branch += twice
    for _ in range(n):
        moved = loop.copy()
        moved[0] = loop[1]
        loop = moved + loop
    written = branch.copy()
    written[0] = 9
    switch = [twice, twice * twice, -twice][k]
    for result, value in zip(
        found, [written, branch, twice, loop, switch], strict=True
    ):
        np.testing.assert_array_equal(result, value)
