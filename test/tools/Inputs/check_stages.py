"""Checks the stages of a report against the kernels' PTX.

A pipeline by cp.async of s stages waits until s - 2 groups are under way; one by
mbarriers has two a stage, and one that nothing waits for.
"""

import json
import re
import sys
from pathlib import Path

report, ptx = (Path(name).read_text() for name in sys.argv[1:])
seen = set()
bodies = re.split(r"\.entry ", ptx)[1:]
for body in bodies:
    name = re.match(r"\w+", body)[0]
    rows = [k for k in json.loads(report)["kernels"] if k["kernel"] == name]
    if rows[0]["is_empty"]:  # It is for other chips.
        continue
    waits = {int(n) for n in re.findall(r"cp\.async\.wait_group\s+(\d+);", body)}
    barriers = len(re.findall(r"mbarrier\.init", body))
    stages = set(rows[0]["stages"])
    assert rows[0]["stages"] == sorted(stages), rows[0]
    if barriers:
        assert 2 * max(stages) + 1 == barriers, (name, stages, barriers)
    else:
        assert {n + 2 for n in waits - {0}} == stages - {2}, (name, stages, waits)
        assert bool(stages) == bool(waits), (name, stages, waits)
    if stages:
        seen.add(re.sub(r"_\d+$", "", name))
print("pipelines in", *sorted(seen))
