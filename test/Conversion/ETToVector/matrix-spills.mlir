// RUN: et-compile %s --march=sapphirerapids --emit=obj -o %t.o
// RUN: llvm-objdump -d --no-show-raw-insn %t.o | FileCheck %s

// Sums and the tiles read in a step fit the eight matrix registers: none of
// them goes through the stack, in any kernel. (Where K is one block, up to 256,
// LLVM joins the ends of kernels for 32 and for 16 rows, and moves two registers
// through the stack there.)

// CHECK-NOT:     {{tile(loadd|stored).*%rsp}}
// CHECK:         tdpbf16ps
// CHECK-NOT:     {{tile(loadd|stored).*%rsp}}

func.func @main(%x: tensor<?x512xbf16>, %w: tensor<4x512x512xbf16>, %offsets: tensor<5xi32>, %out: tensor<?x512xbf16>) -> tensor<?x512xbf16> {
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x512xbf16>, tensor<4x512x512xbf16>)
    offsets(%offsets : tensor<5xi32>) outs(%out : tensor<?x512xbf16>)
  return %y : tensor<?x512xbf16>
}

func.func @packed(%x: tensor<?x512xbf16>, %w: tensor<4x16x256x64xbf16>, %offsets: tensor<5xi32>, %out: tensor<?x512xbf16>) -> tensor<?x512xbf16> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<?x512xbf16>, tensor<4x16x256x64xbf16>)
    panels(#et.panels<columns = 32, interleave = 2, step = 32>)
    offsets(%offsets : tensor<5xi32>) outs(%out : tensor<?x512xbf16>)
  return %y : tensor<?x512xbf16>
}
