#!/usr/bin/env python3
# ===- lint.py - the rules of this tree that no compiler checks -----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Checks the tree for the rules named on the command line (default: all).

Each finding is a line `file:line: what is wrong`; any makes the exit status 1.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CXX = {".h", ".cpp"}
SOURCES = CXX | {".td", ".py", ".mlir", ".cmake", ".txt", ".md", ".in"}
SKIPPED_FOLDERS = {"build", "Inputs", "__pycache__"}
MAX_LINES, MAX_CODE_LINES = 900, 600

# A layer includes itself and what stands left of it; what is in no layer (tools,
# tests) may include all.
LAYERS = ["Dialect", "Conversion", "Codegen", "Pipelines", "Target"]
LAYERS += ["InitAll", "Compiler", "CAPI"]
# These stand apart at the bottom: all may include them, they include none.
APART = ["Runtime", "Emulator"]


def files(root, suffixes):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            f for f in folders if f not in SKIPPED_FOLDERS and f[0] != "."
        )
        for name in sorted(names):
            if Path(name).suffix in suffixes:
                yield Path(folder, name).relative_to(root)


def run_tool(root, name, package, arguments):
    """Runs a formatter or linter, which prints its own findings."""
    beside_python = Path(sys.executable).with_name(name)
    tool = beside_python if beside_python.exists() else shutil.which(name)
    if not tool:
        return [f"{name} is missing: install {package}"]
    status = subprocess.run([tool, *map(str, arguments)], cwd=root).returncode
    return [f"{name} failed; './dev format' may mend it"] if status else []


def lint_format(root, fix):
    """C++ is formatted by clang-format."""
    sources = list(files(root, CXX))
    mode = ["-i"] if fix else ["--dry-run", "-Werror", "--ferror-limit=1"]
    if not sources:
        return []
    return run_tool(root, "clang-format-22", "clang-format-22", mode + sources)


def lint_python(root, fix):
    """Python is formatted and checked by ruff."""
    check = ["check", "--quiet"] + (["--fix"] if fix else [])
    layout = ["format", "--quiet"] + ([] if fix else ["--diff"])
    package = "the Python package ruff"
    return [
        problem
        for arguments in (check, layout)
        for problem in run_tool(root, "ruff", package, arguments + ["."])
    ]


def layer_of(path):
    """The layer of a path below include or lib; None above the layers."""
    if path.parts[0] == "lib":
        return Path(path.parts[1]).stem
    return layer_of_header(path.parts[1:]) if path.parts[0] == "include" else None


def layer_of_header(parts):
    """The layer of a header as #include has it; None for those of others."""
    if parts[0] == "et-c":
        return "CAPI"
    return Path(parts[1]).stem if parts[0] == "et" else None


def lint_layers(root, fix):
    """Includes point one way through the layers."""
    for path in files(root, CXX | {".td"}):
        layer = layer_of(path)
        if layer and layer not in LAYERS + APART:
            yield f"{path}:1: '{layer}' is no layer that utils/lint.py knows"
            continue
        text = (root / path).read_text()
        for number, line in enumerate(text.splitlines(), 1):
            include = re.match(r'\s*#?\s*include\s*[<"]([^>"]+)[>"]', line)
            if not include or not layer:
                continue
            target = include[1]
            where = f"{path}:{number}: {layer}"
            first = target.split("/")[0]
            if first == "support":
                yield f"{where} is below the tools and includes {target}"
            if layer in APART and re.match(r"(mlir|llvm)(-c)?$", first):
                yield f"{where} stands apart from {first} and includes {target}"
            other = layer_of_header(target.split("/"))
            if not other or other == layer or other in APART and layer not in APART:
                continue
            if layer in APART:
                yield f"{where} stands apart and includes {target}"
            elif other not in LAYERS[: LAYERS.index(layer)]:
                yield f"{where} is below {other} and includes {target}"


LICENSE = [
    "Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.",
    "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception",
]


def mend_header_line(path):
    """Makes the first line as wide as clang-format leaves whole, 80 columns."""
    text = path.read_text()
    header = re.match(r"//===- (.*?)[ -]*(?:\n//-*)?===//\n", text)
    if header and "-*-" not in header[0] and len(header[1]) < 66:
        text = f"//===- {header[1]} ".ljust(75, "-") + "===//\n" + text[header.end() :]
        path.write_text(text)


def lint_headers(root, fix):
    """Files say what they are, under which license, and stay short."""
    for path in files(root, SOURCES):
        if fix and path.suffix in CXX:
            mend_header_line(root / path)
        lines = (root / path).read_text().splitlines()
        most = MAX_CODE_LINES if path.suffix in CXX | {".py"} else MAX_LINES
        if len(lines) > most:
            yield f"{path}:{most}: {len(lines)} lines; split the file"
        if path.suffix not in CXX | {".td", ".py"}:
            continue
        head = "\n".join(lines[:10])
        if not re.search(rf"===- {re.escape(path.name)} - \S.*===", head):
            yield f"{path}:1: no header line '===- {path.name} - purpose ---==='"
        for line in LICENSE:
            if line not in head:
                yield f"{path}:1: no license line '{line}'"
        if path.parts[0] == "include" and path.suffix in {".h", ".td"}:
            name = re.sub(r"\W", "_", str(path.relative_to("include").with_suffix("")))
            guard = name.upper() + ("_H" if path.suffix == ".h" else "")
            if f"#ifndef {guard}\n#define {guard}\n" not in "\n".join(lines) + "\n":
                yield f"{path}:1: no include guard {guard}"


def anchors(text):
    """The anchors that headings of a Markdown text get."""
    for heading in re.findall(r"^#+ +(.*?)#* *$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        yield re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def lint_links(root, fix):
    """Relative links in Markdown lead to a file, and to a heading in it."""
    for path in files(root, {".md"}):
        text = re.sub(
            r"^```.*?^```",
            lambda block: "\n" * block[0].count("\n"),
            (root / path).read_text(),
            flags=re.MULTILINE | re.DOTALL,
        )
        for link in re.finditer(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link[1]):
                continue
            number = text.count("\n", 0, link.start()) + 1
            name, _, anchor = link[1].partition("#")
            target = (root / path).parent / name if name else root / path
            if not target.exists():
                yield f"{path}:{number}: no file {link[1]}"
            elif anchor and anchor not in anchors(target.read_text()):
                yield f"{path}:{number}: no heading for {link[1]}"


LINTS = {
    name.removeprefix("lint_"): function
    for name, function in list(globals().items())
    if name.startswith("lint_")
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--fix", action="store_true", help="rewrite what tools can")
    parser.add_argument("lint", nargs="*", help=", ".join(LINTS))
    arguments = parser.parse_args()
    for name in arguments.lint:
        if name not in LINTS:
            parser.error(f"no lint '{name}'; there is {', '.join(LINTS)}")

    failed = False
    for name in arguments.lint or LINTS:
        problems = list(LINTS[name](arguments.root.resolve(), arguments.fix))
        for problem in problems:
            print(problem)
        failed = failed or bool(problems)
    return failed


if __name__ == "__main__":
    sys.exit(main())
