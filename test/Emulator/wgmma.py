# ===- wgmma.py - asynchronous products of a warpgroup ---------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md wgmma.py %t.json
# REQUIRES: cuda-toolkit
"""wgmma of every width and type, with every swizzle, both majors and A in registers.

Operands are laid out element by element from the canonical layouts of the PTX
ISA. Two products of 32 bytes of K are chained, so that steps within a swizzled
row and from one block to the next are both taken.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import ml_dtypes
import numpy as np

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
TYPES = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "tf32": np.dtype(np.float32),
    "e4m3": np.dtype(ml_dtypes.float8_e4m3fn),
    "e5m2": np.dtype(ml_dtypes.float8_e5m2),
}
OFFSET_B, SMEM = 8192, 8192 + 33024
MODES = {0: 0, 128: 1, 64: 2, 32: 3}


def swizzled(at, span):
    """Where byte `at` goes: the 16-byte pieces of 8 rows of `span` bytes change places."""
    return at ^ ((at >> 7 & {0: 0, 32: 1, 64: 3, 128: 7}[span]) << 4)


def tile(matrix, span, k_major):
    """The bytes of an operand of 64 bytes of K, its descriptor but for the
    address, and the bytes from the first 32 bytes of K to the next."""
    rows, depth = matrix.shape
    size = matrix.dtype.itemsize
    r, k = np.meshgrid(np.arange(rows), np.arange(depth), indexing="ij")
    if k_major and not span:  # core matrices of 8 rows of 16 bytes
        lead, stride = rows * 16, 128
        at = r % 8 * 16 + r // 8 * stride + k * size % 16 + k * size // 16 * lead
        step = 2 * lead
    elif k_major:  # rows of `span` bytes; further K in blocks that follow
        lead, stride, block = 0, 8 * span, rows * span
        at = r * span + k * size % span + k * size // span * block
        step = 32 // span * block + 32 % span
    elif not span:
        lead, stride = rows * 16, 128
        at = r % 8 * 2 + r // 8 * stride + k % 8 * 16 + k // 8 * lead
        step = 2 * lead
    else:
        wide, lead, stride = span // 2, depth * span, 8 * span
        at = r % wide * 2 + r // wide * lead + k % 8 * span + k // 8 * stride
        step = 2 * stride
    flat = np.zeros(at.max() // 16 * 16 + 16 + (128 if span else 0), np.uint8)
    raw = np.ascontiguousarray(matrix).view(np.uint8).reshape(rows, depth, size)
    for byte in range(size):
        flat[swizzled(at + byte, span)] = raw[:, :, byte]
    described = MODES[span] << 62 | (stride >> 4) << 32 | (lead >> 4) << 16
    return flat, described, step


class Case:
    """One instruction; operands of a swizzle and majors that it allows."""

    def __init__(self, n, d, a, b, in_registers=False, majors=(0, 0), signs=(1, 1)):
        self.n, self.d, self.a, self.b = n, d, a, b
        self.in_registers, self.majors, self.signs = in_registers, majors, signs
        self.size = TYPES[a].itemsize
        self.regs = n // 2 if d == "f32" else n // 4
        self.name = f"w{n}_{d}_{a}_{b}_{int(in_registers)}{majors[0]}{majors[1]}_"
        self.name += "".join("n" if s < 0 else "p" for s in signs)

    def kernel(self):
        d_list = "{" + ", ".join(f"%d{k}" for k in range(self.regs)) + "}"
        body = [
            f".reg .b32 %d<{self.regs}>, %x<8>, %t, %i, %n, %s, %v; .reg .pred %p, %q;",
            ".reg .b64 %g, %o, %da, %db, %step, %m;",
            "mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4; mov.u32 %s, all;",
        ]
        for letter, pointer, count, offset in (("A", 0, 1, 0), ("B", 2, 3, OFFSET_B)):
            if letter == "A" and self.in_registers:
                body += [
                    "ld.param.u64 %g, [p0]; add.u64 %g, %g, %o;",
                    *(f"ld.global.b32 %x{k}, [%g+{512 * k}];" for k in range(8)),
                ]
                continue
            body += [
                f"ld.param.u64 %g, [p{pointer}]; ld.param.u32 %n, [p{count}];",
                f"mul.lo.u32 %i, %t, 4; LOOP{letter}: setp.ge.u32 %p, %i, %n;",
                f"@%p bra DONE{letter}; cvt.u64.u32 %m, %i; add.u64 %m, %m, %g;",
                f"ld.global.b32 %v, [%m]; add.u32 %n, %s, %i; st.shared.b32 [%n+{offset}], %v;",
                f"ld.param.u32 %n, [p{count}]; add.u32 %i, %i, 512; bra LOOP{letter};",
                f"DONE{letter}:",
            ]
        body += [
            "fence.proxy.async; bar.sync 0;",
            "ld.param.u64 %g, [p4]; add.u64 %g, %g, %o;",
            *(f"ld.global.b32 %d{k}, [%g+{512 * k}];" for k in range(self.regs)),
            "ld.param.u64 %da, [p6]; ld.param.u64 %db, [p7];",
            "shr.u32 %v, %s, 4; cvt.u64.u32 %m, %v; add.u64 %da, %da, %m;",
            f"add.u64 %m, %m, {OFFSET_B >> 4}; add.u64 %db, %db, %m;",
            "ld.param.u32 %v, [p10]; setp.ne.u32 %p, %v, 0; setp.eq.u32 %q, %v, %v;",
            "wgmma.fence.sync.aligned;",
        ]
        depth = 32 // self.size
        form = f"m64n{self.n}k{depth}.{self.d}.{self.a}.{self.b}"
        for step, use in enumerate("pq"):
            left = "%da"
            turns = f", {self.majors[0]}, {self.majors[1]}"
            if self.in_registers:
                left = "{" + ", ".join(f"%x{4 * step + k}" for k in range(4)) + "}"
                turns = f", {self.majors[1]}"
            if self.size != 2:
                turns = ""
            body.append(
                f"wgmma.mma_async.sync.aligned.{form} {d_list}, {left}, %db, %{use}, "
                f"{self.signs[0]}, {self.signs[1]}{turns};"
            )
            if step == 0:
                body.append(
                    "ld.param.u64 %m, [p8]; add.u64 %da, %da, %m;"
                    "ld.param.u64 %m, [p9]; add.u64 %db, %db, %m;"
                )
        body += [
            "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;",
            "ld.param.u64 %g, [p5]; add.u64 %g, %g, %o;",
            *(f"st.global.b32 [%g+{512 * k}], %d{k};" for k in range(self.regs)),
        ]
        types = [
            "u64",
            "u32",
            "u64",
            "u32",
            "u64",
            "u64",
            "u64",
            "u64",
            "u64",
            "u64",
            "u32",
        ]
        return ", ".join(f".{t} p{k}" for k, t in enumerate(types)), "\n".join(body)

    def values(self, rows, kind, coded):
        depth = 64 // self.size
        if coded:
            return np.eye(rows, depth, dtype=int)[rng.permutation(rows)]
        return rng.integers(-3, 4, (rows, depth))

    def place(self):
        """Row and column of each element of D: [register][part][thread]."""
        parts = 1 if self.d == "f32" else 2
        reg, part, thread = np.meshgrid(
            np.arange(self.regs), np.arange(parts), np.arange(128), indexing="ij"
        )
        warp, lane = thread // 32, thread % 32
        element = reg * parts + part  # four a lane for 8 columns of two rows
        row = warp * 16 + lane // 4 + element // 2 % 2 * 8
        return row, element // 4 * 8 + lane % 4 * 2 + element % 2

    def to_registers(self, matrix):
        row, column = self.place()
        picked = matrix[row, column].transpose(0, 2, 1)
        return np.ascontiguousarray(picked).view(np.uint32).reshape(self.regs, 128)

    def check(self, module, span, scale, coded):
        x = self.values(64, self.a, coded)
        y = rng.integers(-3, 4, (self.n, 64 // self.size))
        if coded and self.size == 2:  # each element its own number
            top = 2048 if self.a == "f16" else 256
            y = rng.permutation(y.size).reshape(y.shape) % (2 * top) - top
        c = rng.integers(-50, 51, (64, self.n))
        kind = np.float32 if self.d == "f32" else np.float16
        left, right = (
            v.astype(np.float32).astype(TYPES[t]) for v, t in ((x, self.a), (y, self.b))
        )
        flat_a, desc_a, step_a = tile(left, span, not self.majors[0])
        flat_b, desc_b, step_b = tile(right, span, not self.majors[1])
        if self.in_registers:
            each = 4 // self.size
            t = np.arange(128)
            regs = []
            for k in range(8):
                row = t // 32 * 16 + t % 32 // 4 + k % 2 * 8
                col = k // 2 * 4 * each + t % 4 * each
                regs.append(np.stack([left[row, col + e] for e in range(each)], 1))
            flat_a = np.ascontiguousarray(np.stack(regs)).view(np.uint32)
        out = emu.Empty((self.regs, 128), np.uint32)
        u64 = [
            emu.Scalar(v, np.uint64) for v in (desc_a, desc_b, step_a >> 4, step_b >> 4)
        ]
        module.launch(
            self.name, 1, 128, flat_a, flat_a.nbytes, flat_b, flat_b.nbytes,
            self.to_registers(c.astype(kind)), out, *u64, int(scale), smem=SMEM,
        )  # fmt: skip
        want = x @ y.T * (self.signs[0] * self.signs[1]) + (c if scale else 0)
        same = np.array_equal(out.value, self.to_registers(want.astype(kind)))
        if not same:
            print("FAILED", self.name, "swizzle", span, "scale", scale, "coded", coded)
        return same


cases = [Case(n, "f32", "f16", "f16") for n in range(8, 257, 8)]
for d, a, b in [
    ("f16", "f16", "f16"),
    ("f32", "bf16", "bf16"),
    ("f32", "tf32", "tf32"),
] + [
    (d, a, b)
    for d in ("f16", "f32")
    for a in ("e4m3", "e5m2")
    for b in ("e4m3", "e5m2")
]:
    cases += [Case(n, d, a, b) for n in (8, 40, 128)]
    cases.append(Case(24, d, a, b, in_registers=True))
for a in ("f16", "bf16"):
    cases += [Case(64, "f32", a, a, majors=m) for m in ((0, 1), (1, 0), (1, 1))]
    cases += [Case(64, "f32", a, a, True, majors=(0, m)) for m in (0, 1)]
cases += [Case(16, "f32", "f16", "f16", signs=s) for s in ((-1, 1), (1, -1), (-1, -1))]
kernels = {case.name: case.kernel() for case in cases}
SHARED = ".extern .shared .align 1024 .b8 all[];\n"
text = forms.module(kernels, prefix=SHARED)


def test(driver):
    module = emu.Module(driver, text)
    good = True
    for k, case in enumerate(cases):
        spans = (
            (0, 32, 64, 128)
            if case.majors != (0, 0) or case.n % 64 == 0
            else (list(MODES)[k % 4],)
        )
        for span in spans:
            good &= case.check(
                module, span, scale=bool(rng.random() < 0.7), coded=False
            )
            good &= case.check(module, span, scale=False, coded=True)
    return good


emu.under_schedules(test)
