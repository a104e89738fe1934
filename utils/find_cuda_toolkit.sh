#!/usr/bin/env bash
#===- find_cuda_toolkit.sh - where ptxas and libdevice are -----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Prints the root of the first CUDA toolkit that knows every chip we compile
# for: the environment's, the machine's, then the folders given. Says what is
# wrong with one that the environment names. Both ./dev and CMake ask this.
#===-----------------------------------------------------------------------===#
set -euo pipefail

readonly NEWEST_CHIP=sm_120
readonly MACHINE=${ET_MACHINE_CUDA:-/usr/local/cuda}

# problem ROOT: what keeps a toolkit from being used; nothing if it can be.
problem() {
  if [[ ! -e $1/nvvm/libdevice/libdevice.10.bc ]]; then
    echo "has no nvvm/libdevice/libdevice.10.bc"
  elif [[ ! -x $1/bin/ptxas ]]; then
    echo "has no bin/ptxas"
  elif [[ $("$1/bin/ptxas" --help 2>/dev/null) != *$NEWEST_CHIP* ]]; then
    echo "has a ptxas that does not know $NEWEST_CHIP; CUDA 13 does"
  fi
}

for variable in CUDA_ROOT CUDA_HOME CUDA_PATH; do
  root=${!variable:-}
  [[ $root ]] || continue
  why=$(problem "$root")
  [[ $why ]] || { echo "$root"; exit; }
  echo "$variable is '$root', which $why" >&2
done
for root in "$MACHINE" "$@"; do
  [[ $(problem "$root") ]] || { echo "$root"; exit; }
done
exit 1
