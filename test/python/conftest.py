# ===- conftest.py - the short form of the suite and the long one -----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Leaves out the cases that are marked `long`, and says how many, unless --full."""

import os
import sys
from pathlib import Path

import pytest

# Where et_library.py is, which calls compiled libraries.
sys.path.append(str(Path(__file__).resolve().parents[1] / "Target" / "Inputs"))

# A library's threads sleep between its calls: they are more than there are cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_addoption(parser):
    parser.addoption(
        "--full",
        action="store_true",
        default=bool(os.environ.get("ET_TEST_FULL")),
        help="run the cases that are marked `long` too (default: as ET_TEST_FULL says)",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only run by the suite's long form")
    config.left_out = 0


def pytest_collection_modifyitems(config, items):
    if config.getoption("full"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    config.left_out = len(left_out)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A worker of xdist has ended: each has seen all cases."""
    output = getattr(node, "workeroutput", {})
    node.config.left_out = max(node.config.left_out, output.get("left_out", 0))


def pytest_terminal_summary(terminalreporter, config):
    outcomes = ("passed", "failed", "error", "skipped")
    ran = sum(len(terminalreporter.getreports(outcome)) for outcome in outcomes)
    terminalreporter.line(
        f"python: {ran} cases run, {config.left_out} left to the long form"
    )
