// RUN: not et-opt %s --convert-et-to-vector="vector-bits=100" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not et-opt %s --convert-et-to-vector="vector-registers=4" 2>&1 | FileCheck %s --check-prefix=REGISTERS
// RUN: not et-opt %s --convert-et-to-vector="first-level-cache=32" 2>&1 | FileCheck %s --check-prefix=CACHE

// CACHE: error: convert-et-to-vector needs the bytes of a first-level cache, at least 4096, got first-level-cache=32
// BITS: error: convert-et-to-vector needs a vector width that is a power of two of at least 64 bits and at least 8 registers, got vector-bits=100 vector-registers=32
// REGISTERS: error: {{.*}} got vector-bits=512 vector-registers=4
module {}
