// RUN: et-compile %s --emit=llvm --march=x86-64-v4 -o - | FileCheck %s --check-prefixes=CHECK,V4 --implicit-check-not=@expf --implicit-check-not=@sinf
// RUN: et-compile %s --emit=llvm --march=x86-64-v3 -o - | FileCheck %s --check-prefixes=CHECK,V3 --implicit-check-not=@expf --implicit-check-not=@sinf
// RUN: et-compile %s --emit=obj --march=x86-64-v4 -o %t.o && llvm-objdump -d --no-show-raw-insn %t.o | FileCheck %s --check-prefix=CODE

// Elementwise ops, with math inside, are vectors of the processor's width, in
// threads and without calls of a library.
// CHECK:    call void {{.*}}@__kmpc_fork_call
// V4:       call <16 x float> @llvm.fma.v16f32
// V3:       call <8 x float> @llvm.fma.v8f32
// CODE:     vfmadd{{.*}}%zmm
func.func @silu(%x: tensor<?x100xbf16>, %u: tensor<?x100xbf16>) -> tensor<?x100xbf16> {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x100xbf16>
  %gate = arith.extf %x : tensor<?x100xbf16> to tensor<?x100xf32>
  %up = arith.extf %u : tensor<?x100xbf16> to tensor<?x100xf32>
  %ones = tensor.splat %one[%n] : tensor<?x100xf32>
  %minus = arith.negf %gate : tensor<?x100xf32>
  %power = math.exp %minus : tensor<?x100xf32>
  %sum = arith.addf %power, %ones : tensor<?x100xf32>
  %silu = arith.divf %gate, %sum : tensor<?x100xf32>
  %angle = math.sin %up : tensor<?x100xf32>
  %product = arith.mulf %silu, %angle : tensor<?x100xf32>
  %y = arith.truncf %product : tensor<?x100xf32> to tensor<?x100xbf16>
  return %y : tensor<?x100xbf16>
}
