#!/usr/bin/env python3
# ===- spec_constraints.py - hold specification, verifiers, tests together ===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares docs/Spec.md, Weights.md, Targets.md and Assembly.md with the sources.

Every constraint `- (C3)` of an op and `- (A1)` of an attribute is cited by its
verifier and by an `expected-error` of a test, and the other way round; every
op's inputs `(I1)` are the arguments of its definition, in order, and its line
in Assembly.md is the definition's assembly format.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

SHARED = {"C0", "C1", "C2"}  # Those of all ops, cited by helpers of the verifiers.


def snake(name):
    """top_k of TopK, and cpu_target of CPUTarget."""
    words = r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
    return re.sub(words, "_", name).lower()


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
        ("ETActivations.cpp", "ActivationAttr", "#et."),
        ("ETTargets.cpp", "Attr", "#et."),
        ("ETWeights.cpp", "Attr", "#et."),
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


def simplified(assembly):
    """An assembly format without its types: `et.gate routing ins(scores) ...`."""
    for pattern, replacement in (
        (r"``\s*custom<DpsResults>.*?attr-dict", ""),
        (r"``\s*custom<Epilogue>\(\$\w+\)", "[epilogue(value) {...}]"),
        (r"`:`(?:\s*type\(\$\w+\)\s*(?:`,`)?)*", ""),
        (r"(?:custom<\w+>|qualified)\((\$\w+)\)", r"\1"),
        (r"(?<!`)\((`.*?)\)\?", r"[\1]"),
        (r"[`$^\s]+", " "),
        (r" ?([(\[]) ", r" \1"),
        (r" ([),\]])", r"\1"),
        (r"(\w) \(", r"\1("),
    ):
        assembly = re.sub(pattern, replacement, assembly, flags=re.DOTALL)
    return assembly.strip()


def formats(root):
    """The assembly format of each op's definition."""
    op = r'ET_DpsOp<"(\w+)".*?let assemblyFormat = \[\{(.*?)\}\];'
    return {
        f"et.{match[1]}": f"et.{match[1]} {simplified(match[2])}"
        for path in sorted((root / "include/et/Dialect/ET/IR").glob("*Ops.td"))
        for match in re.finditer(op, path.read_text(), re.DOTALL)
    }


def written(text):
    """The lines of Assembly.md by op; a line that is indented goes on."""
    block = re.search(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = re.sub(r"\n +", " ", block[1]).splitlines()
    return {line.split(" ")[0]: line for line in lines}


def differences(docs, root):
    """Each is the name of the page, and what is wrong."""
    pages = ["Spec.md", "Weights.md", "Targets.md"]
    constraints, inputs = specified(
        "".join((docs / page).read_text() for page in pages)
    )
    for what, cited in (("verifiers", verified(root)), ("tests", tested(root))):
        if what == "verifiers":
            cited["What all ops share"] = SHARED
        for owner in sorted(constraints | cited):
            for number in sorted(constraints[owner] - cited[owner]):
                yield "Spec.md", f"{owner}: the {what} do not cite {number}"
            for number in sorted(cited[owner] - constraints[owner]):
                yield (
                    "Spec.md",
                    f"{owner}: the {what} cite {number}, which it does not have",
                )
    for op, arguments in defined(root).items():
        if inputs.get(op) != arguments:
            yield "Spec.md", f"{op}: inputs are {arguments}, not {inputs.get(op)}"
    lines = written((docs / "Assembly.md").read_text())
    for op, line in formats(root).items():
        if lines.get(op) != line:
            yield "Assembly.md", f"{op}: it is '{line}', not '{lines.get(op)}'"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--docs", type=Path, help="default: docs of the root")
    arguments = parser.parse_args()
    docs = arguments.docs or arguments.root / "docs"
    problems = list(differences(docs, arguments.root))
    for page, problem in problems:
        print(f"{docs / page}: {problem}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
