#!/usr/bin/env python3
# ===- spec_constraints.py - hold specification, verifiers, tests together ===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares docs/Spec.md with the sources.

Every constraint `- (C3)` of an op and `- (A1)` of an attribute is cited by its
verifier and by an `expected-error` of a test, and the other way round; every
op's inputs `(I1)` are the arguments of its definition, in order.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

SHARED = {"C0", "C1", "C2"}  # Those of all ops, cited by helpers of the verifiers.


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def specified(text):
    """The constraints and the inputs of each section of the specification."""
    constraints, inputs = defaultdict(set), {}
    for section in re.split(r"^(?=##)", text, flags=re.MULTILINE):
        heading = re.match(r"#+ (#?et\.\w+|What all ops share)\n", section)
        if heading:
            found = re.findall(r"^- \(([CA]\d+)\)", section, re.MULTILINE)
            constraints[heading[1]] |= set(found)
            rows = re.findall(r"^\| \(I(\d+)\) \| `(\w+)`", section, re.MULTILINE)
            inputs[heading[1]] = [(int(number), name) for number, name in rows]
    return constraints, inputs


def verified(root):
    """What the verifiers of each op and attribute cite."""
    constraints = defaultdict(set)
    folder = root / "lib/Dialect/ET/IR"
    for path, kind, prefix in (
        ("ETVerifiers.cpp", "Op", "et."),
        ("ETAttrs.cpp", "(?:Routing|Statistic|)Attr", "#et."),
    ):
        function = rf"^LogicalResult\s+(\w+?){kind}::verify\w*\(.*?^}}"
        text = (folder / path).read_text()
        for match in re.finditer(function, text, re.MULTILINE | re.DOTALL):
            cited = re.findall(r'(?:"|\[)([CA]\d+)(?:"|\])', match[0])
            constraints[prefix + snake(match[1])] |= set(cited)
    return constraints


def tested(root):
    """What the expected errors of the tests cite, by op and attribute."""
    constraints = defaultdict(set)
    for path in sorted((root / "test/Dialect/ET").glob("*invalid.mlir")):
        for error in re.findall(r"expected-error.*?\{\{(.*)\}\}", path.read_text()):
            for name, number in re.findall(r"'(et\.\w+)' op .*\[(C\d+)\]", error):
                owner = "What all ops share" if number in SHARED else name
                constraints[owner].add(number)
            for name, number in re.findall(r"(#et\.\w+).*\[(A\d+)\]", error):
                constraints[name].add(number)
    return constraints


def defined(root):
    """The arguments of each op's definition."""
    arguments = {}
    op = r'ET_DpsOp<"(\w+)".*?let arguments = \(ins (.*?)\);'
    for path in sorted((root / "include/et/Dialect/ET/IR").glob("*Ops.td")):
        for match in re.finditer(op, path.read_text(), re.DOTALL):
            names = re.findall(r":\$(\w+)", match[2])
            arguments[f"et.{match[1]}"] = list(enumerate(names, 1))
    return arguments


def differences(spec, root):
    constraints, inputs = specified(spec.read_text())
    for what, cited in (("verifiers", verified(root)), ("tests", tested(root))):
        if what == "verifiers":
            cited["What all ops share"] = SHARED
        for owner in sorted(constraints | cited):
            for number in sorted(constraints[owner] - cited[owner]):
                yield f"{owner}: the {what} do not cite {number}"
            for number in sorted(cited[owner] - constraints[owner]):
                yield f"{owner}: the {what} cite {number}, which it does not have"
    for op, arguments in defined(root).items():
        if inputs.get(op) != arguments:
            yield f"{op}: inputs are {arguments}, not {inputs.get(op)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--spec", type=Path, help="default: docs/Spec.md of the root")
    arguments = parser.parse_args()
    spec = arguments.spec or arguments.root / "docs/Spec.md"
    problems = list(differences(spec, arguments.root))
    for problem in problems:
        print(f"{spec}: {problem}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
