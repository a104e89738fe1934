# ===- others.py - what else runs on the machine ---------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""How busy others keep the cores while something is timed.

What the kernel counts as worked or stolen, less what this process and its children that
have ended worked. Others on the same cores take time from a layer, others elsewhere take
memory's bandwidth: the greater share counts.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

# From this share on the times of a row say little, and it is not judged.
BUSY = 0.05
# Seconds that are looked at before the first row.
BEFORE = 1.0


def worked(text):
    """Seconds that each core has worked, or that were stolen from it: of the lines
    `cpuN user nice system idle iowait irq softirq steal ...` of /proc/stat."""
    seconds = {}
    for line in text.splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _, _, irq, softirq, steal = map(int, counts[:8])
            ticks = user + nice + system + irq + softirq + steal
            seconds[int(name[3:])] = ticks / os.sysconf("SC_CLK_TCK")
    return seconds


@dataclass
class Moment:
    wall: float
    own: float
    cores: dict

    @staticmethod
    def now():
        own = sum(os.times()[:4])
        text = Path("/proc/stat").read_text()
        return Moment(time.monotonic(), own, worked(text))


def share(before, after, ours):
    """The share of cores that others kept busy: of `ours`, on which all that is own
    runs, or of all, whichever is more."""
    seconds, own = after.wall - before.wall, after.own - before.own

    def of(cores):
        busy = sum(after.cores[c] - before.cores[c] for c in cores)
        return max(0.0, busy - own) / (seconds * len(cores))

    return max(of(set(ours) & set(after.cores)), of(after.cores))


def share_during(function):
    """What a function gives, and the share of the cores that others had meanwhile."""
    before = Moment.now()
    result = function()
    return result, share(before, Moment.now(), os.sched_getaffinity(0))


def share_now():
    return share_during(lambda: time.sleep(BEFORE))[1]
