// RUN: not et-opt %s --convert-et-to-vector="vector-bits=100" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not et-opt %s --convert-et-to-vector="vector-bits=32768" 2>&1 | FileCheck %s --check-prefix=LONG
// RUN: not et-opt %s --convert-et-to-vector="vector-registers=4" 2>&1 | FileCheck %s --check-prefix=REGISTERS
// RUN: not et-opt %s --convert-et-to-vector="vector-registers=1000000" 2>&1 | FileCheck %s --check-prefix=MANY
// RUN: not et-opt %s --convert-et-to-vector="vector-bits=128 matrix-registers=true" 2>&1 | FileCheck %s --check-prefix=MATRIX
// RUN: not et-opt %s --convert-et-to-vector="vector-bits=256 pair-products=true" 2>&1 | FileCheck %s --check-prefix=PAIRS
// RUN: not et-opt %s --convert-et-to-vector="vector-bits=1024 byte-tables=true" 2>&1 | FileCheck %s --check-prefix=TABLES
// RUN: not et-opt %s --convert-et-to-vector="first-level-cache=32" 2>&1 | FileCheck %s --check-prefix=FIRST
// RUN: not et-opt %s --convert-et-to-vector="second-level-cache=0" 2>&1 | FileCheck %s --check-prefix=SECOND

// BITS: error: convert-et-to-vector needs a power of two from 64 to 16384 as vector-bits, got 100
// LONG: error: convert-et-to-vector needs a power of two from 64 to 16384 as vector-bits, got 32768
// REGISTERS: error: convert-et-to-vector needs vector-registers from 8 to 64, got 4
// MANY: error: convert-et-to-vector needs vector-registers from 8 to 64, got 1000000
// MATRIX: error: convert-et-to-vector needs vector-bits=512 for matrix-registers, got 128
// PAIRS: error: convert-et-to-vector needs vector-bits=512 for pair-products, got 256
// TABLES: error: convert-et-to-vector needs vector-bits=512 for byte-tables, got 1024
// FIRST: error: convert-et-to-vector needs at least 4096 bytes as first-level-cache, got 32
// SECOND: error: convert-et-to-vector needs at least 4096 bytes as second-level-cache, got 0
module {}
