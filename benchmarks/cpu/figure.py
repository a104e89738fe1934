# ===- figure.py - the benchmark's rows as a picture -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Ratios of times to every peer, and shares of the limits, a line for each row."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from table import AHEAD, OURS, label, ratio

MARKERS = "osD^vPX*<>"


def draw(path, title, rows):
    names = list(dict.fromkeys(n for r in rows for n in r["sides"]))
    names = [n for n in names if n == "top_k" or n not in OURS]
    at = range(len(rows))
    figure = Figure(figsize=(15, 2.4 + 0.3 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    for i, name in enumerate(names):
        points = [
            (y, r["sides"][name]["ratio"])
            for y, r in enumerate(rows)
            if name in r["sides"]
        ]
        middle = [p[1][1] for p in points]
        left.errorbar(
            middle,
            [p[0] for p in points],
            xerr=[
                [p[1][1] - p[1][0] for p in points],
                [p[1][2] - p[1][1] for p in points],
            ],
            fmt=MARKERS[i % len(MARKERS)],
            color=f"C{i}",
            elinewidth=0.8,
            markersize=5,
            label=name,
        )
    left.axvline(1, color="black", linewidth=1)
    left.axvline(AHEAD, color="black", linewidth=1, linestyle=":")
    left.set_xscale("log")
    ticks = [0.5, 1, AHEAD, 2, 5, 10, 20, 50, 100]
    most = max(ratio(r, n) for r in rows for n in names if n in r["sides"])
    least = min(ratio(r, n) for r in rows for n in names if n in r["sides"])
    left.set_xlim(min(least * 0.9, 0.8), most * 1.3)
    left.set_xticks([t for t in ticks if t <= most * 1.3], minor=False)
    left.set_xticks([], minor=True)
    left.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    left.set_xlabel(
        f"time of the other / ours: median, bars from least to most; dotted at {AHEAD:g}"
    )
    left.set_yticks(
        at,
        [f"{label(r)}  {r['type']} {r['loads']}" for r in rows],
        family="monospace",
        fontsize=8,
    )
    left.set_ylabel(
        "T D F E K (tokens, width, hidden width, experts, experts a token), type, loads"
    )
    left.set_ylim(len(rows) - 0.4, -0.6)
    left.grid(True, axis="both", linewidth=0.3)

    height = 0.38
    for share, offset, name in (
        ("share_of_peak", -height / 2, "multiply-adds"),
        ("share_of_bandwidth", height / 2, "memory"),
    ):
        values = [100 * r[share] for r in rows]
        right.barh([y + offset for y in at], values, height, label=name)
    right.axvline(100, color="black", linewidth=1)
    right.set_xlabel("ours: share of the limits, %")
    right.grid(True, axis="x", linewidth=0.3)
    handles = left.get_legend_handles_labels(), right.get_legend_handles_labels()
    for axes, (marks, texts) in zip((left, right), handles, strict=True):
        axes.legend(marks, texts, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
    figure.suptitle(title)
    FigureCanvasAgg(figure).print_png(path)
