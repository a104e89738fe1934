// RUN: et-opt %s -split-input-file | et-opt -split-input-file | FileCheck %s
// RUN: et-opt %s -split-input-file -mlir-print-op-generic | et-opt -split-input-file | FileCheck %s
// RUN: et-opt %s -split-input-file -emit-bytecode -o /dev/null

// What is not said is as in a target without parameters.
// CHECK: module attributes {et.target = #et.cpu_target} {
module attributes {et.target = #et.cpu_target<vector_bits = 512, vector_registers = 32, instructions = [], first_level_cache = 49152, second_level_cache = 1048576, reads_ahead = false>} {}

// -----

// CHECK: module attributes {et.target = #et.cpu_target<instructions = [amx_bf16, avx512_vbmi], reads_ahead = true>} {
module attributes {et.target = #et.cpu_target<instructions = [avx512_vbmi, amx_bf16], reads_ahead = true>} {}

// -----

// CHECK: module attributes {et.target = #et.cpu_target<vector_bits = 256, vector_registers = 16, first_level_cache = 32768, second_level_cache = 524288>} {
module attributes {et.target = #et.cpu_target<vector_bits = 256, vector_registers = 16, first_level_cache = 32768, second_level_cache = 524288>} {}

// -----

// CHECK: module attributes {et.target = #et.gpu_target<chips = [sm_80, sm_90a]>} {
module attributes {et.target = #et.gpu_target<chips = [sm_80, "sm_90a"]>} {}
