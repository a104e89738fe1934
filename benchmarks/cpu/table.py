# ===- table.py - rows of the benchmark, and what they say ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A row holds the seconds of all sides; here is what follows from them, and its text."""

import statistics

from others import BUSY

# What a layer should be ahead of the fastest peer, and the most that all but its
# products should take of it from so many tokens an expert on.
AHEAD, AROUND, AROUND_TOKENS = 1.2, 0.05, 128
OURS = ("layer", "like_top_k", "top_k", "around", "route_combine")
# What a side's time is divided by, where that is not the layer's.
BASE = {"top_k": "like_top_k"}

HEADER = (
    f"{'T D F E K':>22} {'type':>4} {'loads':>6} {'ms':>9} {'peak':>6} {'memory':>6} "
    f"{'limit':>6} {'around':>11}  time of the others / ours: median (least-most), calls"
)


def make_row(case, errors, samples):
    """Of a shape's case; `samples` holds for each round the seconds of its sides and of
    `read`, which reads `read_bytes`, and the peak's `flops_per_second`."""
    row = dict(case)
    row["sides"] = {}
    for name, error in errors.items():
        rounds = [s for s in samples if name in s]
        ratios = [s[name] / s[BASE.get(name, "layer")] for s in rounds]
        row["sides"][name] = {
            "seconds": statistics.median(s[name] for s in rounds),
            "ratio": [min(ratios), statistics.median(ratios), max(ratios)],
            "calls": len(rounds),
            "error": error,
        }
    peaks = [s["flops_per_second"] for s in samples]
    bandwidths = [row["read_bytes"] / s["read"] for s in samples]
    for limit, share, rates, done in (
        ("peak", "share_of_peak", peaks, row["flops"]),
        ("bandwidth", "share_of_bandwidth", bandwidths, row["bytes"]),
    ):
        row[limit] = statistics.median(rates)
        row[share] = statistics.median(
            done / s["layer"] / rate for s, rate in zip(samples, rates, strict=True)
        )
    row["share_of_limit"] = max(row["share_of_peak"], row["share_of_bandwidth"])
    return row


def ratio(row, name):
    return row["sides"][name]["ratio"][1]


def around(row):
    """The share of all but the products, without a copy of the gathered rows and with
    one: a product gathers as it loads."""
    without, copied = ratio(row, "route_combine"), ratio(row, "around")
    return f"{without:.1%}-{copied:.1%}"


def peers(row):
    return [name for name in row["sides"] if name not in OURS]


def label(row):
    return f"{row['tokens']} {row['shape']}"


def line(row):
    cells = []
    for name, side in row["sides"].items():
        least, middle, most = side["ratio"]
        if name == "top_k" or name not in OURS:
            spread = f"{least:.2f}-{most:.2f}" if side["calls"] > 1 else "one"
            cells.append(f"{name}={middle:.2f}({spread}),{side['calls']}")
    return (
        f"{label(row):>22} {row['type']:>4} {row['loads']:>6} "
        f"{row['sides']['layer']['seconds'] * 1e3:9.2f} {row['share_of_peak']:6.1%} "
        f"{row['share_of_bandwidth']:6.1%} {row['share_of_limit']:6.1%} "
        f"{around(row):>11}  {' '.join(cells)}"
        + ("" if is_judged(row) else f" not judged: others use {row['others']:.0%}")
    )


def is_judged(row):
    """Whether the machine was this benchmark's own while the row was measured."""
    return row["others"] <= BUSY


def listed(title, rows, of, what):
    """A list of rows, or that there is none, of as many that may be on it."""
    if not of:
        return f"rows {title}: not judged, as there is no such row to look at"
    lines = [f"rows {title}: {len(rows) or 'none'} of {len(of)}"]
    lines += [f"{label(r):>22} {r['type']:>4} {r['loads']:>6}  {what(r)}" for r in rows]
    return "\n".join(lines)


def fastest_peer(row):
    return min(peers(row), key=lambda name: ratio(row, name))


def summary(rows):
    """A small table in Markdown, of rows with even loads that can be judged."""
    shown = [r for r in rows if r["loads"] == "even" and is_judged(r)]
    tokens = sorted({r["tokens"] for r in shown})
    cells = {}
    for r in shown:
        ahead = f", {ratio(r, fastest_peer(r)):.2f}" if peers(r) else ""
        cells.setdefault((r["shape"], r["type"]), {})[r["tokens"]] = (
            f"{r['share_of_limit']:.0%}{ahead}"
        )
    lines = [
        "share of the limit, time of the fastest peer / ours, by tokens:",
        "| D F E K | type | " + " | ".join(map(str, tokens)) + " |",
        "|---" * (2 + len(tokens)) + "|",
    ]
    for (shape, kind), of_tokens in cells.items():
        texts = [of_tokens.get(t, "-") for t in tokens]
        lines.append(f"| {shape} | {kind} | " + " | ".join(texts) + " |")
    return "\n".join(lines) if shown else ""


def findings(rows):
    """The rows that miss what they should reach, of those that can be judged."""
    judged = [r for r in rows if is_judged(r)]
    if not judged:
        most = max(r["others"] for r in rows)
        return (
            f"no row is judged: others used more than {BUSY:.0%} of the cores in all, "
            f"{most:.0%} in one; run it on a machine that does nothing else"
        )
    compared = [r for r in judged if peers(r)]
    behind = [r for r in compared if ratio(r, fastest_peer(r)) < AHEAD]
    top_k = [r for r in judged if ratio(r, "top_k") < 1]
    many = [r for r in judged if r["pairs"] >= AROUND_TOKENS * r["experts"]]
    slow = [r for r in many if ratio(r, "around") > AROUND]
    lines = [
        listed(
            f"below {AHEAD} times the fastest peer, of those with a peer",
            behind,
            compared,
            lambda r: f"{fastest_peer(r)}={ratio(r, fastest_peer(r)):.2f}",
        ),
        listed(
            "in which top k of the same arithmetic takes less time",
            top_k,
            judged,
            lambda r: f"top_k={ratio(r, 'top_k'):.2f}",
        ),
        listed(
            f"of at least {AROUND_TOKENS} tokens an expert in which routing, gather and "
            f"combine take more than {AROUND:.0%}, rows not copied and copied",
            slow,
            many,
            around,
        ),
    ]
    if len(judged) < len(rows):
        lines.append(
            f"rows not judged, as others used more than {BUSY:.0%} of the cores: "
            f"{len(rows) - len(judged)} of {len(rows)}"
        )
    return "\n".join(lines)
