# ===- forms.py - single instructions on arrays ----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes kernels of single PTX statements, runs them, compares with what is known.

A group is a kernel that loads its inputs, one element a thread, and runs each of
its statements on them. An array's element type chooses the register: bool is a
predicate. ptxas must take what was written, so that no test is of a form that
PTX does not have.
"""

import re
import subprocess

import emu
import numpy as np

N = 192
HEADER = ".version {version}\n.target {chip}\n.address_size 64\n"
REGISTER = {1: "b16", 2: "b16", 4: "b32", 8: "b64"}


def expand(pattern):
    """The words of a pattern with {a,b} in it, as a shell has them."""
    begin = pattern.find("{")
    if begin < 0:
        return [pattern]
    depth, parts, start = 0, [], begin + 1
    for at in range(begin, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[at], 0)
        if (depth == 1 and pattern[at] == ",") or depth == 0:
            parts.append(pattern[start:at])
            start = at + 1
        if depth == 0:
            break
    head, tails = pattern[:begin], expand(pattern[start:])
    return [
        head + word + tail for part in parts for word in expand(part) for tail in tails
    ]


def differs(got, want):
    """Where two arrays differ in a bit, all NaNs being one."""
    floating = want.dtype.kind in "fV"
    width = f"u{want.dtype.itemsize}"
    bad = np.ascontiguousarray(got).view(width) != want.view(width)
    if floating:
        with np.errstate(invalid="ignore"):
            bad &= ~((got != got) & (want != want))
    return bad


def paired(first, second):
    """What Group.add takes for a result whose low and high halves these are."""
    want = np.stack([first, second], 1)
    kind = np.dtype(f"u{2 * want.itemsize}")
    return kind, lambda got: differs(got.view(want.dtype).reshape(-1, 2), want).any(1)


class Group:
    def __init__(self, **inputs):
        self.inputs = inputs
        self.statements, self.outputs, self.wants = [], [], []

    def add(self, statement, want):
        """A statement whose result is named d; `want` is the array that it makes,
        or a pair of an element type and a function that judges the result."""
        self.statements.append(statement)
        kind, judge = want if isinstance(want, tuple) else (want.dtype, None)
        self.outputs.append(np.dtype(kind))
        self.wants.append(judge or want)

    def ptx(self, name):
        params = [f".param .u64 p{k}" for k in range(len(self.inputs) + 1)]
        text = [f".visible .entry {name}({', '.join(params)}) {{"]
        text += [
            ".reg .pred %some<3>; .reg .b32 %at, %word; .reg .b64 %base, %to1, %to2,"
            " %to4, %to8;",
            "mov.u32 %at, %tid.x;",
        ]
        for k, (letter, array) in enumerate(self.inputs.items(), 1):
            size = array.dtype.itemsize
            text += [
                f".reg .{REGISTER[size]} %in_{letter};",
                f"ld.param.u64 %base, [p{k}];",
                f"mad.wide.u32 %base, %at, {size}, %base;",
                f"ld.global.{'u' if size == 1 else 'b'}{8 * size} %in_{letter}, [%base];",
            ]
            if array.dtype == bool:
                text += [
                    f".reg .pred %pr_{letter};",
                    f"setp.ne.u16 %pr_{letter}, %in_{letter}, 0;",
                ]
        text.append("ld.param.u64 %base, [p0];")
        text += [f"mad.wide.u32 %to{s}, %at, {s}, %base;" for s in (1, 2, 4, 8)]
        offset = 0
        for k, (statement, kind) in enumerate(
            zip(self.statements, self.outputs, strict=True)
        ):
            size = kind.itemsize
            pred = kind.kind == "b"
            own = f"%d{k}"
            text.append(f".reg .{'pred' if pred else REGISTER[size]} {own};")

            def register(m, own=own):
                if m[0] == "d":
                    return own
                if m[0] not in self.inputs:
                    return m[0]
                return f"%{'pr' if self.inputs[m[0]].dtype == bool else 'in'}_{m[0]}"

            for part in statement.split(";"):
                opcode, _, operands = part.strip().partition(" ")
                operands = re.sub(r"(?<![%\w.])[a-z]\b", register, operands)
                text.append(f"{opcode} {operands};")
            value = own
            if pred:
                text.append(f"selp.b32 %word, 1, 0, {own};")
                value = "%word"
            text.append(f"st.global.b{8 * size} [%to{size}+{offset}], {value};")
            offset += N * size
            offset = (offset + 7) // 8 * 8
        return "\n".join([*text, "ret;", "}"])

    def run(self, module, name):
        """How many statements did not do what is known, each printed."""
        sizes = [(N * k.itemsize + 7) // 8 * 8 for k in self.outputs]
        out = emu.Empty(sum(sizes), np.uint8)
        module.launch(name, 1, N, out, *self.inputs.values())
        failed, at = 0, 0
        for statement, kind, want, size in zip(
            self.statements, self.outputs, self.wants, sizes, strict=True
        ):
            got = out.value[at : at + N * kind.itemsize].view(kind)
            at += size
            bad = want(got) if callable(want) else differs(got, want)
            if bad.any():
                failed += 1
                first = int(np.flatnonzero(bad)[0])
                given = {k: v[first] for k, v in self.inputs.items()}
                expected = "" if callable(want) else f", not {want[first]!r}"
                print(
                    f"FAILED {statement}: {int(bad.sum())} of {N}, first {given}: "
                    f"{got[first]!r}{expected}"
                )
        return failed


def assemble(text, chip):
    """Whether ptxas takes the module; it says what it does not."""
    path = emu.SCRATCH / "forms.ptx"
    path.write_text(text)
    command = [emu.CUDA / "bin" / "ptxas", "-O0", f"-arch={chip}", path]
    command += ["-o", emu.SCRATCH / "forms.cubin"]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        lines = text.splitlines()
        said = re.findall(r"line (\d+); (.*)", done.stderr)
        for line, what in said or [(0, done.stderr)]:
            print("FAILED ptxas:", lines[int(line) - 1] if line else "", what)
    return done.returncode == 0


def module(kernels, chip="sm_90a", version="8.6", prefix=""):
    """The text of kernels by name: their parameters and their bodies, after
    the module's variables."""
    text = HEADER.format(version=version, chip=chip) + prefix
    for name, (parameters, body) in kernels.items():
        params = ", ".join(f".param {p}" for p in parameters.split(", "))
        text += f".visible .entry {name}({params}) {{\n{body}\nret;\n}}\n"
    assert assemble(text, chip)
    return text


def run(driver, groups, chip="sm_90", version="8.6"):
    """Runs the groups of a dictionary as one module; true when all did right."""
    text = HEADER.format(version=version, chip=chip)
    text += "\n".join(group.ptx(name) for name, group in groups.items())
    good = assemble(text, chip)
    loaded = emu.Module(driver, text)
    failed = sum(group.run(loaded, name) for name, group in groups.items())
    count = sum(len(group.statements) for group in groups.values())
    print(f"{count} statements for {chip}, {failed} failed")
    return good and not failed
