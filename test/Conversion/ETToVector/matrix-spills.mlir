// RUN: et-compile %s --march=sapphirerapids --emit=obj -o %t.o
// RUN: llvm-objdump -d --no-show-raw-insn %t.o | FileCheck %s

// Sums and the tiles read in a step fit the eight matrix registers: none of
// them goes through the stack, in any kernel.

// CHECK-NOT:     {{tile(loadd|stored).*%rsp}}
// CHECK:         tdpbf16ps
// CHECK-NOT:     {{tile(loadd|stored).*%rsp}}

func.func @main(%x: tensor<?x256xbf16>, %w: tensor<4x256x512xbf16>, %offsets: tensor<5xi32>, %out: tensor<?x512xbf16>) -> tensor<?x512xbf16> {
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x256xbf16>, tensor<4x256x512xbf16>)
    offsets(%offsets : tensor<5xi32>) outs(%out : tensor<?x512xbf16>)
  return %y : tensor<?x512xbf16>
}
