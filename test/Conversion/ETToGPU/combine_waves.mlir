// RUN: et-opt %s --convert-et-to-gpu --split-input-file | FileCheck %s

// The counters are zero at first. Sums of waves have a buffer, since out is
// rounded.
// CHECK-LABEL: func @waves
// CHECK-SAME:  %[[G:[a-z0-9]+]]: memref<?x4xf32>, %{{[a-z0-9]+}}: memref<4x?xi32>, %[[O:[a-z0-9]+]]: memref<5xi32>, %{{[a-z0-9]+}}: memref<?x64xbf16>, %[[W1:[a-z0-9]+]]: memref<4x64x128xbf16>, %[[W2:[a-z0-9]+]]: memref<4x128x64xbf16>, %[[H:[a-z0-9]+]]: memref<?x128xbf16>, %[[P:[a-z0-9]+]]: memref<?x64xbf16>, %[[OUT:[a-z0-9]+]]: memref<?x64xbf16>
// CHECK:       %[[WORDS:.*]] = memref.alloc() : memref<4xi32>
// CHECK:       gpu.memset %[[WORDS]]
// CHECK:       %[[SUMS:.*]] = memref.alloc(%{{.*}}) : memref<?x64xf32>
// CHECK:       gpu.launch {{.*}} module(@et_kernels) function(@et_combine_waves)
// Where there is room for all pairs, a token is combined.
// CHECK:         %[[ALL:.*]] = memref.load %[[O]]
// CHECK:         %[[PAIRS:.*]] = arith.index_cast{{.*}} %[[ALL]]
// CHECK:         %[[ROOM:.*]] = arith.cmpi ule, %[[PAIRS]], %{{.*}} : index
// CHECK:         scf.if %[[ROOM]] {
// CHECK-NOT:       llvm.atomicrmw
// CHECK:           math.fma
// CHECK:           vector.store {{.*}}, %[[OUT]]
// CHECK:         } else {
// Else tickets: what comes before the item's step is waited for.
// CHECK:           llvm.atomicrmw add {{.*}} syncscope("device") monotonic
// CHECK:           scf.while
// CHECK:             llvm.load {{.*}} atomic syncscope("device") monotonic
// CHECK:             llvm.fence syncscope("device") acq_rel
// Hidden units, outputs.
// CHECK:             nvvm.mma.sync
// CHECK:             vector.store {{.*}}, %[[H]]
// CHECK:             nvvm.mma.sync
// CHECK:             vector.store {{.*}}, %[[P]]
// Sums: rounded by the last wave.
// CHECK:             vector.load %[[SUMS]]
// CHECK:             math.fma
// CHECK:             vector.store {{.*}}, %[[OUT]]
// CHECK:             vector.store {{.*}}, %[[SUMS]]
// CHECK:             llvm.fence syncscope("device") acq_rel
// CHECK:             llvm.atomicrmw add
// CHECK:       memref.dealloc %[[WORDS]]
// CHECK:       memref.dealloc %[[SUMS]]
// CHECK-NOT:   et.grouped_matmul
func.func @waves(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x64xbf16>, %w1: memref<4x64x128xbf16>, %w2: memref<4x128x64xbf16>,
                 %h: memref<?x128xbf16>, %p: memref<?x64xbf16>, %out: memref<?x64xbf16>) {
  et.combine_waves relu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x64xbf16>, memref<4x64x128xbf16>, memref<4x128x64xbf16>)
    outs(%h, %p, %out : memref<?x128xbf16>, memref<?x64xbf16>, memref<?x64xbf16>)
  return
}

// -----

// An f32 output holds the sums itself; products of f32 are multiply-adds.
// CHECK-LABEL: func @waves_f32
// CHECK:       memref.alloc() : memref<4xi32>
// CHECK-NOT:   memref.alloc
// CHECK:       gpu.launch
// CHECK-NOT:   nvvm.mma.sync
// CHECK:       return
func.func @waves_f32(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x64xf32>, %w1: memref<4x64x128xf32>, %w2: memref<4x128x64xf32>,
                     %h: memref<?x128xf32>, %p: memref<?x64xf32>, %out: memref<?x64xf32>) {
  et.combine_waves relu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x64xf32>, memref<4x64x128xf32>, memref<4x128x64xf32>)
    outs(%h, %p, %out : memref<?x128xf32>, memref<?x64xf32>, memref<?x64xf32>)
  return
}

// -----

// A product has tiles of the pairs that its result has rows for.
// CHECK-LABEL: func @first_pairs
// CHECK-SAME:  %[[OUT:[a-z0-9]+]]: memref<40x128xbf16>)
// CHECK:       gpu.launch
// CHECK:         arith.constant 40 : index
// CHECK:         arith.minui
func.func @first_pairs(%m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x64xbf16>, %w1: memref<4x64x128xbf16>, %h: memref<40x128xbf16>) {
  et.grouped_matmul relu ins(%x, %w1 : memref<?x64xbf16>, memref<4x64x128xbf16>) offsets(%o : memref<5xi32>) mask(%m : memref<4x?xi32>)
    outs(%h : memref<40x128xbf16>)
  return
}
