#!/usr/bin/env python3
# ===- doc_examples.py - run the examples that the documentation shows ----===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs the examples in Markdown pages and in the descriptions of a .td file.

An HTML comment on the line before a fenced block says what it is:

  <!-- test: COMMAND -->  The block is COMMAND's standard input. If the next
                          block is marked `<!-- output -->`, it is what COMMAND
                          must print; if not, COMMAND need only succeed.
  <!-- file: NAME -->     The block is a file in the folder where the later
                          commands of this page run.
  <!-- console -->        Lines that begin with `$ ` are commands, the lines
                          below each are what it must print. $ET is this
                          checkout, and $ET_BUILD where it was built, if the
                          environment says so.

In a Passes.td every pass has an example: the ```mlir blocks of its description
are pairs, what `et-opt --PASS` is given and what it must print. A test comment
before the first of a pair gives another command, for an option or an error.

IR is compared as et-opt prints it, so names of values and layout are free; all
else is compared line by line. IR with `...` is an excerpt: what stands between
must be in the output, in this order.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path


@dataclass
class Block:
    line: int
    language: str
    text: str
    marker: str  # The comment before it, without <!-- and -->.


FENCE = re.compile(
    r"(?:^[ \t]*<!-- *(?P<marker>.*?) *-->[ \t]*\n)?"
    r"^(?P<indent>[ \t]*)(?P<fence>`{3,})(?P<language>\w*)[ \t]*\n"
    r"(?P<text>.*?)^(?P=indent)(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)


def blocks(text, first_line=1):
    for match in FENCE.finditer(text):
        line = first_line + text.count("\n", 0, match.start("text"))
        indent = len(match["indent"])
        body = "".join(row[indent:] or "\n" for row in match["text"].splitlines(True))
        yield Block(line, match["language"], body, match["marker"] or "")


class Mismatch(Exception):
    """An example that does not do what the documentation says."""

    def __init__(self, line, message):
        super().__init__(message)
        self.line = line


class Runner:
    """Runs commands with the build's tools in a folder that goes away."""

    def __init__(self, tools):
        self.folder = tempfile.TemporaryDirectory()
        path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
        checkout = str(Path(__file__).resolve().parents[1])
        self.environment = {**os.environ, "PATH": path, "ET": checkout}

    def run(self, command, text=""):
        return subprocess.run(
            ["bash", "-c", command],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder.name,
            env=self.environment,
        )

    def succeed(self, line, command, text=""):
        result = self.run(command, text)
        if result.returncode:
            raise Mismatch(line, f"'{command}' failed:\n{result.stdout}")
        return result.stdout

    def check(self, given, command, wanted):
        """`command` on the block `given` prints the block `wanted`, if any."""
        got = self.succeed(given.line, command, given.text)
        if not wanted:
            return
        expected = wanted.text
        if wanted.language == "mlir" and "..." in expected:
            if not re.search(excerpt(expected), got, re.DOTALL):
                raise Mismatch(wanted.line, f"'{command}' prints else:\n{got}")
            return
        if wanted.language == "mlir":
            expected = self.succeed(wanted.line, "et-opt", expected)
            got = self.succeed(given.line, "et-opt", got)
        compare(wanted.line, command, expected, got)

    def check_console(self, block):
        for entry in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = entry.partition("\n")
            compare(block.line, command, expected, self.run(command).stdout)


def compare(line, command, expected, got):
    expected, got = expected.strip().splitlines(), got.strip().splitlines()
    if expected != got:
        difference = difflib.unified_diff(expected, got, "page", "tool", lineterm="")
        raise Mismatch(line, "\n".join([f"'{command}' prints else:", *difference]))


def excerpt(text):
    """A pattern for IR with any names of values, and anything for `...`."""
    groups = {}

    def pattern(match):
        token = match[0]
        if "..." in token:
            return ".*?"
        if token.isspace():
            return r"\s+"
        if token[0] != "%":
            return re.escape(token)
        if token in groups:
            return rf"(?P={groups[token]})(?!\w)"
        groups[token] = f"value{len(groups)}"
        return rf"(?P<{groups[token]}>%\w+)(?!\w)"

    return re.sub(r"\s*\.\.\.\s*|\s+|%\w+|.", pattern, text.strip())


def page_examples(text, runner):
    """Yields, for each example, its line and what raises if it is wrong."""
    found = list(blocks(text))
    for block, after in zip(found, [*found[1:], None], strict=False):
        kind, _, argument = block.marker.partition(":")
        argument = argument.strip()
        if kind == "test":
            wanted = after if after and after.marker == "output" else None
            yield block.line, partial(runner.check, block, argument, wanted)
        elif kind == "file":
            Path(runner.folder.name, argument).write_text(block.text)
        elif kind == "console":
            yield block.line, partial(runner.check_console, block)


PASS = re.compile(
    r'^def \w+ *: *Pass<"(?P<name>[\w-]+)".*?(?=^def |^#endif|\Z)',
    re.MULTILINE | re.DOTALL,
)


def missing(line, name):
    raise Mismatch(line, f"pass {name} lacks an example: ```mlir before, ```mlir after")


def pass_examples(text, runner):
    for match in PASS.finditer(text):
        name = match["name"]
        line = 1 + text.count("\n", 0, match.start())
        found = [b for b in blocks(match[0], line) if b.language == "mlir"]
        if not found or len(found) % 2:
            yield line, partial(missing, line, name)
            continue
        for given, wanted in zip(found[::2], found[1::2], strict=True):
            kind, _, command = given.marker.partition(":")
            command = command.strip() if kind == "test" else f"et-opt --{name}"
            yield given.line, partial(runner.check, given, command, wanted)


def pages(paths):
    for path in paths:
        if path.is_dir():
            yield from sorted([*path.rglob("*.md"), *path.rglob("*.td")])
        else:
            yield path


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tools", type=Path, action="append", default=[])
    parser.add_argument(
        "file", type=Path, nargs="+", help="*.md, Passes.td or a folder"
    )
    arguments = parser.parse_args()

    ran = failed = 0
    for path in pages(arguments.file):
        runner = Runner([tools.resolve() for tools in arguments.tools])
        examples = pass_examples if path.name == "Passes.td" else page_examples
        for line, example in examples(path.read_text(), runner):
            ran += 1
            try:
                example()
            except Mismatch as problem:
                failed += 1
                print(f"{path}:{problem.line}: example of line {line}: {problem}")
    print(f"{ran - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
