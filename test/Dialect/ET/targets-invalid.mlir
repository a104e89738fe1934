// RUN: et-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{#et.cpu_target needs a power of two from 64 to 16384 as vector_bits, got 100 [A1]}}
module attributes {et.target = #et.cpu_target<vector_bits = 100>} {}

// -----

// expected-error@+1 {{#et.cpu_target needs a power of two from 64 to 16384 as vector_bits, got 32768 [A1]}}
module attributes {et.target = #et.cpu_target<vector_bits = 32768>} {}

// -----

// expected-error@+1 {{#et.cpu_target needs vector_registers from 8 to 64, got 4 [A2]}}
module attributes {et.target = #et.cpu_target<vector_registers = 4>} {}

// -----

// expected-error@+1 {{#et.cpu_target needs vector_registers from 8 to 64, got 1000000 [A2]}}
module attributes {et.target = #et.cpu_target<vector_registers = 1000000>} {}

// -----

// expected-error@+1 {{#et.cpu_target needs vector_bits = 512 for amx_bf16|avx512_bf16, got 128 [A3]}}
module attributes {et.target = #et.cpu_target<vector_bits = 128, instructions = [avx512_bf16, amx_bf16]>} {}

// -----

// expected-error@+1 {{#et.cpu_target needs vector_bits = 512 for avx512_vbmi, got 1024 [A3]}}
module attributes {et.target = #et.cpu_target<vector_bits = 1024, instructions = [avx512_vbmi]>} {}

// -----

// expected-error@+1 {{unknown instruction 'avx2'; expected some of: amx_bf16, avx512_bf16, avx512_vbmi}}
module attributes {et.target = #et.cpu_target<instructions = [avx2]>} {}

// -----

// expected-error@+1 {{#et.cpu_target needs at least 4096 bytes as first_level_cache, got 32 [A4]}}
module attributes {et.target = #et.cpu_target<first_level_cache = 32>} {}

// -----

// expected-error@+1 {{#et.cpu_target needs at least 4096 bytes as second_level_cache, got 0 [A4]}}
module attributes {et.target = #et.cpu_target<second_level_cache = 0>} {}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: cores; #et.cpu_target takes vector_bits, vector_registers, instructions, first_level_cache, second_level_cache, reads_ahead}}
module attributes {et.target = #et.cpu_target<cores = 2>} {}

// -----

// expected-error@+1 {{#et.gpu_target needs a chip at least [A1]}}
module attributes {et.target = #et.gpu_target<chips = []>} {}

// -----

// expected-error-re@+1 {{#et.gpu_target has an unknown chip 'sm_81'; known: sm_80,{{.*}} [A2]}}
module attributes {et.target = #et.gpu_target<chips = [sm_81]>} {}

// -----

// expected-error@+1 {{#et.gpu_target names "sm_80" twice [A3]}}
module attributes {et.target = #et.gpu_target<chips = [sm_80, sm_90a, sm_80]>} {}

// -----

// expected-error@+1 {{needs a #et.cpu_target or #et.gpu_target as et.target, got "sm_80"}}
module attributes {et.target = "sm_80"} {}

// -----

// expected-error@+1 {{has an et.target, which is a module's}}
func.func private @f() attributes {et.target = #et.cpu_target}
