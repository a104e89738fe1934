# ===- test_package.py - et_mlir, from the build tree -----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The package et_mlir: layers compiled and called on arrays, as NumPy computes them."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

PACKAGE = Path(os.environ["ET_BUILD_DIR"]) / "python"
sys.path.insert(0, str(PACKAGE))

import et_mlir  # noqa: E402

LAYER = """
func.func @layer(%x: tensor<?x8xf32> {et.name = "x"},
                 %router: tensor<8x4xf32> {et.weight = "router"},
                 %theta: tensor<4xf32> {et.weight = "theta"},
                 %w1: tensor<4x8x16xf32> {et.weight = "w1"},
                 %w2: tensor<4x16x8xf32> {et.weight = "w2"})
    -> (tensor<?x8xf32> {et.name = "y"}) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %init = tensor.empty(%t) : tensor<?x8xf32>
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %router, %w1, %w2
      : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) outs(%init : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}
"""
SEVERAL = """
func.func @half(%x: tensor<?xf32> {et.name = "x"}, %by: f32 {et.name = "by"})
    -> (tensor<?xf32> {et.name = "y"}, f32 {et.name = "same"}) {
  %c0 = arith.constant 0 : index
  %c7 = arith.constant 7 : index
  %t = tensor.dim %x, %c0 : tensor<?xf32>
  %ok = arith.cmpi ne, %t, %c7 : index
  cf.assert %ok, "seven is one too many"
  %e = tensor.empty(%t) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %by : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  return %y, %by : tensor<?xf32>, f32
}
func.func @same(%x: tensor<2x?xbf16>, %f8: tensor<3xf8E4M3FN>, %flag: tensor<2xi1>)
    -> (tensor<2x?xbf16>, tensor<3xf8E4M3FN>, tensor<2xi1>) {
  return %x, %f8, %flag : tensor<2x?xbf16>, tensor<3xf8E4M3FN>, tensor<2xi1>
}
"""


def arguments(tokens, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(tokens, 8), (8, 4), (4,), (4, 8, 16), (4, 16, 8)]
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def expected(x, router, theta, w1, w2):
    scores = x.astype(np.float64) @ router
    gates = np.where(scores > theta, 1 / (1 + np.exp(-scores)), 0)
    hidden = np.maximum(np.einsum("td,edf->etf", x, w1), 0) ** 2
    return np.einsum("te,etf,efd->td", gates, hidden, w2)


@pytest.fixture(scope="module")
def several():
    return et_mlir.compile(SEVERAL, cache="")


@pytest.mark.parametrize("target", ["cpu", "reference"])
def test_layer(target, tmp_path):
    path = tmp_path / "layer.mlir"
    path.write_text(LAYER)
    layer = et_mlir.compile(path, target=target, cache=tmp_path / "cache")
    for tokens in (0, 1, 33):
        values = arguments(tokens)
        y = layer(*values)
        assert y.dtype == np.float32 and y.shape == (tokens, 8)
        np.testing.assert_allclose(y, expected(*values), rtol=1e-4, atol=1e-4)
    assert list((tmp_path / "cache").iterdir())
    # Bytecode is a model too, and gives the same bits.
    again = et_mlir.compile(str(path), target=target, cache=tmp_path / "cache")
    assert np.array_equal(again(*values), y)
    assert any("taken from the cache" in remark for remark in again.remarks)


def test_packed_weights(tmp_path):
    model = et_mlir.compile(LAYER, pack_weights=True, cache="")
    layer = model["layer"]
    packed = [value.packed_by for value in layer.arguments]
    assert packed == [None, None, None, "layer_pack", "layer_pack"]
    x, router, theta, w1, w2 = arguments(9)
    y = layer(x, router, theta, *model["layer_pack"](w1, w2))
    want = expected(x, router, theta, w1, w2)
    np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-4)
    with pytest.raises(TypeError, match="several functions; call one of layer"):
        model(x)
    with pytest.raises(KeyError, match="no function 'no'; the model has layer"):
        model["no"]


def test_types(several):
    y, same = several["half"](np.arange(5, dtype=np.float32), 0.5)
    assert y.tolist() == [0, 0.5, 1, 1.5, 2] and same == 0.5
    x = np.arange(6).reshape(2, 3).astype(ml_dtypes.bfloat16)
    f8 = np.array([1, -2, 448], ml_dtypes.float8_e4m3fn)
    flag = np.array([True, False])
    results = several["same"](x, f8, flag)
    for given, got in zip((x, f8, flag), results, strict=True):
        assert got.dtype == given.dtype and np.array_equal(got, given)
    half = several["half"]
    assert str(half) == "half(x: f32[?], by: f32) -> (y: f32[?], same: f32)"
    assert [value.shape for value in half.arguments] == [(None,), ()]


def test_results_live_on(several):
    half = several["half"]
    results = [half(np.full(1000, i, np.float32), 1)[0] for i in range(50)]
    assert all((result == i).all() for i, result in enumerate(results))


def test_refusals(several):
    half, x = several["half"], np.zeros(4, np.float32)
    for given, kind, text in [
        ((x,), TypeError, r"half\(.*\) takes 2 arrays and got 1"),
        ((x.astype(np.float64), 1.0), ValueError, r"argument 0 'x' must be f32\[\?\]"),
        ((x[None], 1.0), ValueError, r"argument 0 'x' must be f32\[\?\]"),
        (([1.0], 1.0), TypeError, r"argument 0 'x' must be f32\[\?\], but is no array"),
        ((np.zeros(8, np.float32)[::2], 1.0), ValueError, "'x'.*contiguous"),
        ((np.zeros(7, np.float32), 1.0), ValueError, "seven is one too many"),
        ((x.astype(complex), 1.0), TypeError, "of a type that no tensor has"),
    ]:
        with pytest.raises(kind, match=text):
            half(*given)
    assert half(x, 1.0)[1] == 1


def test_compile_errors(tmp_path):
    path = tmp_path / "bad.mlir"
    path.write_text("func.func @f() {\n  et.no_op\n  return\n}\n")
    with pytest.raises(et_mlir.CompileError) as error:
        et_mlir.compile(path)
    assert f"{path}:2:3: error: " in str(error.value)
    with pytest.raises(et_mlir.CompileError, match="'/no/such.mlir': No such file"):
        et_mlir.compile("/no/such.mlir")
    with pytest.raises(et_mlir.CompileError, match="unknown target 'tpu'"):
        et_mlir.compile(LAYER, target="tpu")
    with pytest.raises(et_mlir.CompileError, match="the target cpu alone"):
        et_mlir.compile(LAYER, target="reference", pack_weights=True)


def test_ir_and_bytes():
    model = et_mlir.compile(LAYER, cache="")
    assert "et.grouped_matmul" in model.ir("fuse")
    assert "tensor<" not in model.ir("bufferize")
    assert " et.grouped" in model.ir("bufferize")
    assert " et.grouped" not in model.ir("loops")
    assert model.emit("object").startswith(b"\x7fELF")
    with pytest.raises(ValueError, match="output is one of llvm, object"):
        model.emit("exe")
    with pytest.raises(et_mlir.CompileError, match="for the target cuda"):
        model.emit("ptx")


def test_save_and_load(tmp_path):
    et_mlir.compile(LAYER, cache="").save(tmp_path / "saved")
    layer = et_mlir.load(tmp_path / "saved")
    values = arguments(5)
    np.testing.assert_allclose(layer(*values), expected(*values), rtol=1e-4, atol=1e-4)
    assert "et_layer(" in (tmp_path / "saved" / "model.h").read_text()
    with pytest.raises(ValueError, match="machine code alone"):
        layer.ir()
    with pytest.raises(et_mlir.CompileError, match="No such file"):
        et_mlir.load(tmp_path / "other")


def test_threads(several):
    """Four threads compile a model each, and call one function at once."""
    half, wrong = several["half"], []

    def work(number):
        layer = et_mlir.compile(LAYER, cache="")
        values = arguments(17, seed=number)
        want = expected(*values)
        for _ in range(100):
            y, _ = half(np.full(300, number, np.float32), 2)
            wrong.append(not (y == 2 * number).all())
            wrong.append(not np.allclose(layer(*values), want, rtol=1e-4, atol=1e-4))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 800 and not any(wrong)


def test_interrupt(tmp_path):
    """Ctrl-C ends the work between two passes, and the next one is whole."""
    cache = tmp_path / "cache"
    previous = signal.getsignal(signal.SIGALRM)

    def interrupt(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        with pytest.raises(KeyboardInterrupt):
            et_mlir.compile(LAYER, cache=cache)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    # It came to no end, at which there would be an object.
    assert not list(cache.glob("*"))
    values = arguments(3)
    y = et_mlir.compile(LAYER, cache=cache)(*values)
    assert list(cache.glob("*"))
    np.testing.assert_allclose(y, expected(*values), rtol=1e-4, atol=1e-4)


def test_lock_is_free():
    """Another thread of Python works while a function runs."""
    source = (
        "import sys, threading, time\n"
        f"sys.path.insert(0, {str(PACKAGE)!r})\n"
        "import et_mlir, numpy\n"
        f"half = et_mlir.compile({SEVERAL!r}, cache='')['half']\n"
        "x, ticks, end = numpy.zeros(1 << 25, numpy.float32), [], []\n"
        "def tick():\n"
        "    while not end: ticks.append(0); time.sleep(0.0001)\n"
        "thread = threading.Thread(target=tick); thread.start()\n"
        "sys.setswitchinterval(1000)\n"
        "before = len(ticks); half(x, 2); after = len(ticks); end.append(0)\n"
        "thread.join(); print(after - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 2
