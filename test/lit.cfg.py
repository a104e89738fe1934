# ===- lit.cfg.py - how the tests in this tree are run --------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Configuration that the site file of a build tree completes and loads."""

import os
import shutil
import sys

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "ET"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".py", ".pdll", ".td"]
config.excludes = ["CMakeLists.txt", "Inputs", "python", "lit.cfg.py"]
config.test_source_root = os.path.join(config.et_source_dir, "test")
config.test_exec_root = os.path.join(config.et_binary_dir, "test")

tools_dir = os.path.join(config.et_binary_dir, "bin")
lib_dir = os.path.join(config.et_binary_dir, "lib")

# `%python`, FileCheck, count and not.
llvm_config.use_default_substitutions()
config.substitutions += [
    # A sanitizer that stays in front of what else is preloaded.
    ("%preload", "LD_PRELOAD=" + os.environ.get("LD_PRELOAD", "") + ":"),
    ("%mlir_opt", os.path.join(config.llvm_tools_dir, "mlir-opt")),
    ("%et_plugin", os.path.join(lib_dir, "ETPlugin" + config.shlibext)),
    ("%foreign_dialect", os.path.join(lib_dir, "ETForeignDialect" + config.shlibext)),
    ("%et_src", config.et_source_dir),
    ("%et_build", config.et_binary_dir),
    ("%et_tools", tools_dir),
    ("%et_python_dir", os.path.dirname(sys.executable)),
    ("%et_lib", lib_dir),
    ("%llvm_lib", os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")),
    (
        "%llvm_include",
        os.path.join(os.path.dirname(config.llvm_tools_dir), "include"),
    ),
    ("%shlibext", config.shlibext),
    ("%host_cc", config.host_cc),
    ("%host_cxx", config.host_cxx),
]
llvm_config.add_tool_substitutions(
    [
        ToolSubst(tool, unresolved="ignore")
        for tool in [
            "et-compile",
            "et-lsp-server",
            "et-opt",
            "et-reduce",
            "et-run",
            "et-test-opt",
            "ptx-emu",
            "ptx-report",
            "llvm-nm",
            "llvm-objdump",
            "llvm-readelf",
            "mlir-opt",
            "mlir-tblgen",
            "mlir-translate",
            "ptxas",
            "split-file",
        ]
    ],
    [tools_dir, config.llvm_tools_dir, os.path.join(config.et_cuda_toolkit, "bin")],
)

# The long form of the suite: see docs/Testing.md.
if os.environ.get("ET_TEST_FULL"):
    config.available_features.add("long")
    llvm_config.with_environment("ET_TEST_FULL", "1")

# Names are shown whole in FileCheck's dumps of what it did not find.
llvm_config.with_environment("FILECHECK_OPTS", "--dump-input-filter=error")

if shutil.which("gcc"):
    config.available_features.add("gcc")

if config.et_cuda_toolkit:
    config.available_features.add("cuda-toolkit")
    llvm_config.with_environment("CUDA_ROOT", config.et_cuda_toolkit)
