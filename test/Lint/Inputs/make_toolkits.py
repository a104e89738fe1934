"""Toolkits here: a good one, one whose ptxas is old, one without ptxas."""

from pathlib import Path

CHIPS = {"good": "sm_80, sm_90a, sm_120", "old": "sm_80, sm_90a", "bare": None}
for name, chips in CHIPS.items():
    libdevice = Path(name, "nvvm/libdevice/libdevice.10.bc")
    libdevice.parent.mkdir(parents=True)
    libdevice.touch()
    if chips:
        ptxas = Path(name, "bin/ptxas")
        ptxas.parent.mkdir()
        ptxas.write_text(f"#!/bin/sh\necho 'values for option --gpu-name: {chips}'\n")
        ptxas.chmod(0o755)
