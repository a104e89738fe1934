# ===- test_packed_kernels.py - kernels that read packed weights -------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Products of packed weights, in the layouts that kernels are made for.

K runs over several blocks of a kernel and their tails, loads are skewed so that an
expert has no row, a few, or many tiles of them. Every layout runs for this machine
with one and two threads, which must agree bit for bit, and for lesser processors.
Operands that end where memory ends are read no further.
"""

import ctypes
import mmap
from itertools import product

import numpy as np
import pytest

import et_reference as ref
from et_bounds import matmul_with_error
from et_cases import short_form
from et_compare import check
from et_layers import ACTIVATIONS, in_turn
from et_processors import skip_if_less, x86_only
from et_program import Program
from et_reference import STORAGE
from et_tools import run
from test_ops import check_rows, normal

# Type, columns, interleave, step: vectors of every width, pairs in vectors, matrix
# registers.
LAYOUTS = [
    ("f32", 64, 1, 1),
    ("f32", 16, 1, 1),
    ("f16", 64, 1, 1),
    ("bf16", 32, 1, 1),
    ("bf16", 64, 2, 2),
    ("bf16", 32, 2, 32),
    ("bf16", 16, 2, 32),
    ("bf16", 128, 2, 64),
]
SEEDS = range(24)
CORE = range(len(LAYOUTS))
LESSER = ["x86-64", "x86-64-v3", "x86-64-v4"]


def attribute(columns, interleave, step):
    return f"#et.panels<columns = {columns}, interleave = {interleave}, step = {step}>"


def random_loads(rng, tokens, experts):
    """Rows chosen for each expert: all, none, a few or about any number."""
    chosen = np.zeros((tokens, experts), bool)
    for e in range(experts):
        count = int(rng.choice([0, 1, int(rng.integers(0, 8)), tokens // 2, tokens]))
        chosen[rng.permutation(tokens)[:count], e] = True
    return chosen


class Case:
    def __init__(self, seed, depth=None, columns=None):
        rng = np.random.default_rng(9000 + seed)
        kind, *layout = LAYOUTS[seed % len(LAYOUTS)]
        storage = STORAGE[kind]
        tokens = int(rng.choice([0, 1, 31, int(rng.integers(2, 100)), 100]))
        experts = int(rng.integers(1, 5))
        # 64 and 320 have no tails along K; K = 1 is half a pair, and K = 0 is nothing.
        d = int(rng.choice([0, 1, 64, 320, *rng.integers(2, 700, 2)]))
        d = depth or d
        f = int(rng.choice([1, 128, int(rng.integers(2, 200))]))
        f = columns or f
        act = in_turn(ACTIVATIONS, seed)
        listed, gated = in_turn(product((False, True), repeat=2), seed)
        chosen = random_loads(rng, tokens, experts)
        offsets, plan = ref.offsets(chosen), ref.token_list(chosen)
        x = normal(rng, (tokens if listed else len(plan), d), storage)
        # What one row holds is none of another's business.
        if x.size and rng.random() < 0.5:
            x[rng.integers(len(x))] = np.inf
        a = x[plan] if listed else x

        def maybe(*shape):
            array = normal(rng, (experts, *shape), storage)
            return array if rng.random() < 0.5 else None

        w = normal(rng, (experts, d, f), storage, max(d, 1) ** -0.5)
        wg = normal(rng, w.shape, storage, max(d, 1) ** -0.5) if gated else None
        bias, gate_bias = maybe(f), maybe(f) if gated else None
        out = storage if rng.random() < 0.5 else np.float32
        self.initial = normal(rng, (len(plan), f), out)

        p = self.program = Program(rng, static=1.0 if columns else 0.5)
        gate = ref.pack(wg, *layout) if gated else None
        p.op(
            f"et.grouped_matmul {act} ins({p.operands(x, ref.pack(w, *layout))}) "
            f"panels({attribute(*layout)}) offsets({p.operands(offsets)}) "
            f"{p.clause('tokens', plan if listed else None)} "
            f"{p.clause('bias', bias)} {p.clause('gate', gate)} "
            f"{p.clause('gate_bias', gate_bias)}",
            self.initial,
        )
        parts = []
        for e in range(experts):
            one = [None if v is None else v[e] for v in (w, bias, wg, gate_bias)]
            own = a[offsets[e] : offsets[e + 1]]
            with np.errstate(invalid="ignore"):
                parts.append(matmul_with_error(act, own, *one))
        parts = zip(*parts, strict=True)
        self.value, self.error = (np.concatenate(part) for part in parts)
        loads = [int(n) for n in np.diff(offsets)]
        self.where = (
            f"seed {seed}, {kind}, {layout}, {act}, {d} x {f}, loads {loads}, "
            f"listed {listed}, gated {gated}"
        )

    def check(self, result, where=""):
        where = self.where + where
        check_rows(result, self.value, self.error, self.initial, where)


@pytest.mark.parametrize("seed", short_form(SEEDS, CORE))
def test_on_this_machine(seed):
    case = Case(seed)
    p = case.program
    one, two = (run(p.module(), p.arrays, p.results, "cpu", n)[0] for n in (1, 2))
    case.check(one)
    bits = f"u{one.itemsize}"
    check(one.view(bits) != two.view(bits), one, two, case.where + ": threads matter")


@x86_only
@pytest.mark.parametrize(
    ("seed", "processor"),
    short_form(list(product(CORE, LESSER)), [(k, LESSER[k % 3]) for k in CORE]),
)
def test_on_lesser_processors(seed, processor):
    case = Case(100 + seed)
    p = case.program
    with skip_if_less(processor):
        (result,) = run(p.module(), p.arrays, p.results, processor)
    case.check(result, processor)


def before_a_guard(array):
    """A copy that ends where a page begins which nobody may touch. Never unmapped."""
    page = mmap.PAGESIZE
    size = -(-array.nbytes // page) * page
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    start = libc.mmap(
        None,
        ctypes.c_size_t(size + page),
        mmap.PROT_READ | mmap.PROT_WRITE,
        mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
        -1,
        ctypes.c_long(0),
    )
    assert start != ctypes.c_void_p(-1).value
    guard = ctypes.c_void_p(start + size)
    assert libc.mprotect(guard, ctypes.c_size_t(page), 0) == 0
    memory = (ctypes.c_char * array.nbytes).from_address(start + size - array.nbytes)
    copy = np.frombuffer(memory, array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def check_before_a_guard(case):
    arrays = [before_a_guard(a) if a.nbytes else a for a in case.program.arrays]
    p = case.program
    (result,) = run(p.module(), arrays, p.results, "cpu", 2)
    case.check(result, ", before a guard")


# Multiples of 32, so that vectors along K have no masks, of which blocks of even sizes
# are no multiple of a vector unless they are made one. Rows of f16, every eighth seed,
# are widened everywhere.
DEPTHS = [416, 800, 1408]
GUARDED = list(product([*CORE, *range(10, 66, 8)], DEPTHS))


@pytest.mark.parametrize(
    ("seed", "depth"), short_form(GUARDED, [(k, DEPTHS[k % 3]) for k in CORE])
)
def test_operands_before_a_guard(seed, depth):
    check_before_a_guard(Case(200 + seed, depth))


# Rows of f32 that are known to lie a page apart are copied for so many columns, if an
# expert has enough of them.
@pytest.mark.parametrize("depth, columns", [(1024, 256), (2048, 300)])
@pytest.mark.parametrize("seed", short_form([0, 1, 8, 9], [0, 1]))
def test_rows_a_page_apart(seed, depth, columns):
    case = Case(304 + seed, depth, columns)
    p = case.program
    one, two = (run(p.module(), p.arrays, p.results, "cpu", n)[0] for n in (1, 2))
    case.check(one)
    assert one.tobytes() == two.tobytes(), f"{case.where}: threads matter"
    check_before_a_guard(case)
