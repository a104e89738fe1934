# ===- _compile.py - from a model to functions ------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What et_mlir.compile and et_mlir.load return."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import _native

LIBRARY = "model.so"
PIPELINES = {
    "reference": "et-reference-pipeline{{compile-to={phase}}}",
    "cpu": "et-lower-to-cpu-pipeline{{compile-to={phase} march={name}}}",
    "cuda": "et-lower-to-nvvm-pipeline{{compile-to={phase} chip={name}}}",
}
# As etCompile of the C API numbers them.
OUTPUTS = ["llvm", "object", "library", "ptx", "cubin", "fatbin", "header"]
DEFAULTS = {"reference": "", "cpu": "native", "cuda": "sm_80"}


class Compiled(Mapping[str, _native.Function]):
    """The functions of a compiled model by name, which can be called from several
    threads at once. Where there is one alone, the model itself can be called.
    """

    def __init__(self, code: _native.Code, model: _native.Model | None, options: tuple):
        self._functions = {function.name: function for function in code.functions()}
        self._model = model
        self._options = options

    def __getitem__(self, name: str) -> _native.Function:
        try:
            return self._functions[name]
        except KeyError:
            have = ", ".join(self._functions)
            raise KeyError(f"no function {name!r}; the model has {have}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __repr__(self) -> str:
        return f"<et_mlir.Compiled {', '.join(map(str, self._functions.values()))}>"

    def __call__(self, *arrays):
        """Calls the one function; see Function.__call__."""
        if len(self._functions) != 1:
            have = ", ".join(self._functions)
            raise TypeError(f"the model has several functions; call one of {have}")
        return next(iter(self._functions.values()))(*arrays)

    @property
    def remarks(self) -> list[str]:
        """What passes said of their decisions, a line each with its place."""
        return self._need_model().remarks

    def ir(self, phase: str = "llvm") -> str:
        """The model after a phase of its pipeline, as MLIR's text: `input`,
        `decompose`, `fuse`, `bufferize`, `loops` or `llvm`.
        """
        model = self._need_model()
        kind, _, name = self._options[0].partition(":")
        pipeline = PIPELINES[kind].format(phase=phase, name=name or DEFAULTS[kind])
        return model.lower(pipeline)

    def emit(self, output: str) -> bytes:
        """The model as bytes: `llvm` (text), `object`, `library`, `header`, and for a
        GPU `ptx` (text), `cubin` or `fatbin`.
        """
        model = self._need_model()
        if output not in OUTPUTS:
            raise ValueError(f"output is one of {', '.join(OUTPUTS)}, not {output!r}")
        return model.emit(OUTPUTS.index(output), *self._options)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes a library and its C header, for et_mlir.load and for C."""
        folder = Path(folder)
        library, header = self.emit("library"), self.emit("header")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.h").write_bytes(header)
        # Another process may have the old one mapped: it keeps its file.
        part = folder / f".{LIBRARY}.{os.getpid()}"
        part.write_bytes(library)
        part.replace(folder / LIBRARY)

    def _need_model(self) -> _native.Model:
        if self._model is None:
            raise ValueError(
                "a loaded model has machine code alone; compile it for this"
            )
        return self._model


def compile(
    source: str | bytes | os.PathLike[str],
    target: str = "cpu",
    *,
    pack_weights: bool = False,
    cache: str | os.PathLike[str] | None = None,
) -> Compiled:
    """Compiles a model into this process.

    `source` is a model's text or bytecode, or the path of a file: a string with a line
    break is text. `target` is `cpu` (this processor), `cpu:NAME` (another, by LLVM's
    name), `cuda:sm_NN` or `reference` (plain loops). With `pack_weights`, functions
    take weights packed, and others, which are there too, pack them. `cache` is a folder
    for compiled code; without it, the one that ET_CACHE_DIR names, and with an empty
    string none.

    Raises CompileError, whose text has the compiler's messages with their places.
    Ctrl-C ends the work between two passes.
    """
    if isinstance(source, str) and "\n" in source:
        source = source.encode()
    if isinstance(source, bytes):
        model = _native.Model.parse(source, "<model>")
    else:
        model = _native.Model.read(os.fspath(source))
    folder = None if cache is None else os.fspath(cache)
    options = (target, pack_weights, folder)
    return Compiled(model.compile(*options), model, options)


def load(folder: str | os.PathLike[str]) -> Compiled:
    """Loads what Compiled.save wrote. It runs that folder's native code, so it must be
    trusted. Raises CompileError if the library is not there or of another version.
    """
    path = Path(folder) / LIBRARY
    return Compiled(_native.Code.load(os.fspath(path)), None, ())
