# ===- picture.py - loads and fan-out as a picture ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Draws how tokens spread over experts, and what that costs and keeps."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

COLORS = ["#0b3c5d", "#328cc1", "#d9a441", "#b5533c"]
GRAY = "#555555"


def draw(path, rows, dense_ms, tokens, title):
    """rows: one per rate, as demo.py measures them; the first rates are drawn."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False,
                         "axes.spines.right": False, "axes.titlesize": 10,
                         "axes.titleweight": "bold", "axes.titlelocation": "left"})  # fmt: skip
    figure, (loads, fans, cost) = plt.subplots(
        1, 3, figsize=(13, 4.2), width_ratios=[1.35, 1, 1], layout="constrained"
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    rated = [row for row in rows if row["rate"] < 1]
    experts = len(rated[0]["loads"])

    width = 0.8 / len(rated)
    for i, (row, color) in enumerate(zip(rated, COLORS, strict=False)):
        at = np.arange(experts) + (i - (len(rated) - 1) / 2) * width
        loads.bar(
            at, 100 * row["loads"] / tokens, width, color=color, label=row["name"]
        )
        loads.axhline(100 * row["rate"], color=color, lw=0.8, ls=":")
    loads.set(title="Load of each expert", xlabel="expert", ylabel="% of the tokens",
              xticks=range(experts))  # fmt: skip
    loads.legend(title="rate (dotted: target)", ncols=len(rated), frameon=False,
                 loc="upper center", bbox_to_anchor=(0.5, -0.13))  # fmt: skip

    for row, color in zip(rated, COLORS, strict=False):
        fans.plot(range(experts + 1), 100 * row["fan_out"] / tokens, color=color,
                  marker="o", ms=3, lw=1.2)  # fmt: skip
        mean = row["mean"]
        fans.axvline(mean, color=color, lw=0.8, ls=":")
    fans.set(title="Fan-out (dotted: mean)", xlabel="experts a token",
             ylabel="% of the tokens", xticks=range(0, experts + 1, 2))  # fmt: skip
    fans.set_ylim(bottom=0)

    share = [100 * row["time"] / dense_ms for row in rows]
    for key, label, marker in (("cosine", "network's output", "o"),
                               ("sentence", "sentence's embedding", "s")):  # fmt: skip
        cost.plot(share, [row[key] for row in rows], color=GRAY, lw=0.8, zorder=1)
        for i, row in enumerate(rows):
            color = COLORS[i] if row["rate"] < 1 else "black"
            cost.scatter(share[i], row[key], color=color, marker=marker, s=28, zorder=2)
        cost.scatter([], [], color=GRAY, marker=marker, s=28, label=label)
    for i, row in enumerate(rows):
        cost.annotate(row["name"], (share[i], row["cosine"]), xytext=(4, -11),
                      textcoords="offset points", fontsize=8)  # fmt: skip
    cost.axvline(100, color=GRAY, lw=0.8, ls=":")
    cost.set(title="Kept against spent", xlabel="time, % of the compiled dense layer",
             ylabel="cosine similarity to the dense model")  # fmt: skip
    cost.set_xlim(0, 1.12 * max([100, *share]))
    cost.set_ylim(min(row["cosine"] for row in rows) - 0.06, 1.02)
    cost.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=130)
    plt.close(figure)
