// RUN: not et-opt %s --et-set-gpu-target=chips=sm_80 --convert-et-to-vector 2>&1 | FileCheck %s --check-prefix=VECTOR
// RUN: not et-opt %s --et-set-gpu-target=chips=sm_80 --et-pack-weights 2>&1 | FileCheck %s --check-prefix=PACK
// RUN: not et-opt %s --et-set-cpu-target=march=znver5 --convert-et-to-gpu 2>&1 | FileCheck %s --check-prefix=GPU
// RUN: not et-opt %s --et-set-cpu-target=march=znver5 --et-select-schedule 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// RUN: not et-opt %s --et-set-cpu-target="target=#et.gpu_target<chips=[sm_80]>" 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not et-opt %s --et-set-cpu-target="target=#et.cpu_target<vector_bits=100>" 2>&1 | FileCheck %s --check-prefix=BITS

// A pass says which kind of target it reads.
// VECTOR: error: convert-et-to-vector needs a #et.cpu_target as et.target, got #et.gpu_target<chips = [sm_80]>
// PACK: error: et-pack-weights needs a #et.cpu_target as et.target, got
// GPU: error: convert-et-to-gpu needs a #et.gpu_target as et.target, got #et.cpu_target<
// SCHEDULE: error: et-select-schedule needs a #et.gpu_target as et.target, got
// KIND: error: et-set-cpu-target needs a #et.cpu_target as its target, got #et.gpu_target<chips = [sm_80]>
// BITS: error: #et.cpu_target needs a power of two from 64 to 16384 as vector_bits, got 100 [A1]
module {}
