# ===- measure.py - the benchmark's table, row by row -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Makes the sides of a layer, compares them, times them in turn, and reports."""

import gc
import sys
import time

import numpy as np
import torch

import table
from checks import (
    OUR_ROUNDINGS,
    PEERS_ROUNDINGS,
    Checked,
    WrongError,
    tolerance,
)
from inputs import Case, Weights
from limits import Limits, seconds_of
from others import share_during
from ours import OurLayer, describe
from peers import COPIES, REFUSALS, Peers
from plan import Machine, calls, loads_of, shortage, takes_too_long

# Rows and packed weights of ours.
OUR_COPIES = 2


def first_line(error):
    return str(error).strip().split("\n")[0] or type(error).__name__


class Progress:
    """Says on stderr which row is next, and how long the rest may take: what it was
    estimated at, times what the rows so far took of their estimate."""

    def __init__(self, machine, work):
        self.left = []
        for shape, kind, cases in work:
            of_layer = machine.seconds_of_layer(shape, kind)
            for tokens, _ in cases:
                seconds = machine.seconds_of_row(shape, kind, tokens, len(COPIES) + 4)
                self.left.append(of_layer + seconds)
                of_layer = 0
        self.total = sum(self.left)
        self.number, self.start = len(self.left), time.monotonic()

    def next(self):
        rest = sum(self.left)
        done = self.total - rest
        pace = (time.monotonic() - self.start) / done if done else 1
        print(
            f"row {self.number - len(self.left) + 1} of {self.number}, "
            f"about {rest * pace / 60:.0f} min left",
            file=sys.stderr,
            flush=True,
        )
        self.left.pop(0)

    def skip(self, number):
        for _ in range(number):
            self.total -= self.left.pop(0)


class Table:
    def __init__(self, limits, rounds, on_row):
        self.limits, self.rounds, self.on_row = limits, rounds, on_row
        self.rows, self.absent, self.wrong = [], {}, []
        # FLOP/s of the layer that sides reached at best, by name and type.
        self.rates = {}
        other = limits.reader([describe(limits.other)])
        self.machine = Machine(
            peak={kind: limits.highest[kind] for kind in ("f32", "bf16")},
            bandwidth=other.bytes / other.seconds,
            between=seconds_of(limits.evict),
        )

    def note(self, name, where, reason):
        """Reasons are printed once each, with all that they hold for."""
        self.absent.setdefault((name, reason), []).append(where)

    def run(self, work, build_dir, folder):
        progress = Progress(self.machine, work)
        print(
            f"{progress.number} rows, about {progress.total / 60:.0f} min in all",
            file=sys.stderr,
        )
        for shape, kind, cases in work:
            where = f"{shape} {kind}"
            if reason := shortage(OUR_COPIES, shape, kind):
                self.note("every side", where, reason)
                progress.skip(len(cases))
                continue
            weights = Weights(shape, kind)
            ours = OurLayer(build_dir, folder, weights)
            peers = Peers(weights)
            reader = self.limits.reader(ours.packed)
            made = self.make(peers, shape, kind)
            for tokens, loads in cases:
                progress.next()
                self.row(
                    Case(weights, tokens, loads), weights, ours, peers, made, reader
                )
            ours.release()
            # The next layer needs the memory.
            del weights, ours, peers, made, reader
            gc.collect()

    def make(self, peers, shape, kind):
        """The peers that can be made; of the others the reason."""
        made = {}
        for name, copies in COPIES.items():
            refusal = REFUSALS.get(name, lambda *_: "")
            if reason := refusal(shape, kind) or shortage(copies, shape, kind):
                self.note(name, f"{shape} {kind}", reason)
                continue
            # What a library throws is its own affair; that it threw is the reason.
            try:
                made[name] = getattr(peers, name)()
            except Exception as error:
                self.note(name, f"{shape} {kind}", first_line(error))
        return made

    def checked(self, case, weights, ours, peers, made):
        """All sides, each compared with f64. Ours must be right."""
        shape, kind, x = weights.shape, weights.kind, case.x
        sizes = shape.width, shape.hidden, shape.experts, kind
        our_limit = tolerance(*sizes, OUR_ROUNDINGS)
        theta = case.theta
        pairs = torch.randn(case.pairs, shape.width).to(x.dtype)
        rows, combined = case.without_products(pairs)
        sides = [
            Checked(name, function, x, expected, our_limit)
            for name, function, expected in (
                ("layer", ours.function("layer", theta), case.expected),
                (
                    "like_top_k",
                    ours.function("layer", case.theta_like_top_k),
                    case.expected_like_top_k,
                ),
                ("top_k", ours.function("top_k", theta), case.expected_top_k),
                (
                    "around",
                    ours.without_products("around", theta, pairs),
                    np.concatenate([rows, combined]),
                ),
                (
                    "route_combine",
                    ours.without_products("route_combine", theta, pairs),
                    combined,
                ),
            )
        ]
        peers.theta = theta
        peers_limit = tolerance(*sizes, PEERS_ROUNDINGS)
        for name, function in made.items():
            where = f"{case.tokens} {shape} {kind} {case.loads}"
            rate, our_rate = (self.rates.get((n, kind)) for n in (name, "layer"))
            flops = shape.flops(case.pairs)
            if rate and (reason := takes_too_long(flops, rate, our_rate)):
                self.note(name, where, reason)
                continue
            try:
                # ONNX Runtime does not use PyTorch's threads.
                wake = None if name == "onnxruntime" else self.limits.wake_torch
                side = Checked(name, function, x, case.expected, peers_limit, wake)
                side.prepare()
                sides.append(side)
            except WrongError as error:
                self.wrong.append(f"{where}: {error}")
                self.note(name, where, "it is wrong")
            except Exception as error:
                self.note(name, where, first_line(error))
        return sides

    def sample(self, sides, kind, reader):
        """In each round the limits, then the seconds of the sides; slow sides miss the
        later rounds."""

        def round_of(those):
            limits = {
                "flops_per_second": self.limits.multiply(kind),
                "read": self.limits.cold(reader, reader.prepare),
            }
            return limits | {s.name: self.limits.cold(s, s.prepare) for s in those}

        samples = [round_of(sides)]
        number = {
            side.name: self.rounds or calls(samples[0][side.name], self.machine.between)
            for side in sides
        }
        most = max(number.values())
        # What others are divided by.
        number |= {"layer": most, "like_top_k": most}
        for i in range(1, most):
            samples.append(round_of([s for s in sides if i < number[s.name]]))
        return samples

    def row(self, case, weights, ours, peers, made, reader):
        shape, kind = weights.shape, weights.kind
        sides = self.checked(case, weights, ours, peers, made)
        samples, others = share_during(lambda: self.sample(sides, kind, reader))
        for side in sides:
            key = side.name, kind
            rate = shape.flops(case.pairs) / samples[0][side.name]
            self.rates[key] = max(rate, self.rates.get(key, 0))
        one_expert = shape.weight_bytes(kind) // shape.experts
        about = {
            "tokens": case.tokens,
            "shape": str(shape),
            "experts": shape.experts,
            "type": kind,
            "loads": case.loads,
            "pairs": case.pairs,
            "flops": shape.flops(case.pairs),
            "bytes": case.used * one_expert,
            "read_bytes": reader.bytes,
            "others": others,
        }
        errors = {s.name: s.error for s in sides}
        self.rows.append(table.make_row(about, errors, samples))
        print(table.line(self.rows[-1]), flush=True)
        self.on_row(self)

    def footer(self):
        lines = [
            f"absent: {name}: {reason} ({'; '.join(places)})"
            for (name, reason), places in self.absent.items()
        ]
        lines += [f"wrong: {text}" for text in self.wrong]
        if self.rows:
            last = self.rows[-1]
            lines.append(
                f"limits of the last row: {last['peak'] / 1e9:.0f} GFLOP/s, "
                f"{last['bandwidth'] / 1e9:.1f} GB/s; "
                f"highest of the run: {self.limits.highest[last['type']] / 1e9:.0f} GFLOP/s"
            )
            lines += [table.findings(self.rows), table.summary(self.rows)]
        return "\n".join(lines)


def run(arguments, folder, on_row):
    """The table of the arguments' rows, printed as it grows."""
    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(arguments.seed)
    work = [
        (shape, kind, [(t, loads) for t in arguments.tokens for loads in loads_of(t)])
        for shape in arguments.layers
        for kind in arguments.types
    ]
    limits = Limits(arguments.build_dir, folder, arguments.threads)
    result = Table(limits, arguments.rounds, on_row)
    print(table.HEADER, flush=True)
    result.run(work, arguments.build_dir, folder)
    return result
