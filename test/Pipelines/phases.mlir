// RUN: et-opt %s --et-reference-pipeline=compile-to=input | FileCheck %s --check-prefix=INPUT
// RUN: et-opt %s --et-reference-pipeline=compile-to=decompose | FileCheck %s --check-prefix=DECOMPOSE --implicit-check-not="= et.moe" --implicit-check-not="= et.expert_ffn"
// RUN: et-opt %s --et-reference-pipeline=compile-to=fuse | FileCheck %s --check-prefix=FUSE --implicit-check-not="= et.moe" --implicit-check-not="= et.expert_ffn"
// RUN: et-opt %s --et-reference-pipeline=compile-to=bufferize | FileCheck %s --check-prefix=BUFFERIZE --implicit-check-not=tensor
// RUN: et-opt %s --et-reference-pipeline=compile-to=loops | FileCheck %s --check-prefix=LOOPS --implicit-check-not=tensor --implicit-check-not=" et."
// RUN: et-opt %s --et-reference-pipeline=compile-to=llvm | FileCheck %s --check-prefix=LLVM --implicit-check-not="memref." --implicit-check-not="scf." --implicit-check-not="func.func"
// RUN: et-opt %s --et-reference-pipeline | FileCheck %s --check-prefix=LLVM

// A phase leaves what its name says, and what comes before it.

// As written, with sizes checked.
// INPUT-LABEL: func @layer
// INPUT: cf.assert %{{.*}}, "et.moe: the size of operand 'out' in dimension 0 is not T of the other operands"
// INPUT: et.moe linear #et.threshold relu_squared
// INPUT-LABEL: func @gathered
// INPUT: et.gather
// INPUT: et.grouped_matmul
// INPUT-NOT: tokens

// One op a step; gathers are still ops.
// DECOMPOSE-LABEL: func @layer
// DECOMPOSE: cf.assert
// DECOMPOSE: et.scores linear
// DECOMPOSE: et.gate #et.threshold
// DECOMPOSE: et.offsets
// DECOMPOSE: et.token_list
// DECOMPOSE: et.grouped_matmul relu_squared {{.*}} tokens({{.*}} : tensor<?xi32>) outs(%{{.*}} : tensor<?x16xbf16>)
// DECOMPOSE: et.grouped_matmul none {{.*}} outs(%{{.*}} : tensor<?x8xbf16>)
// DECOMPOSE: et.combine
// DECOMPOSE-LABEL: func @gathered
// DECOMPOSE: et.gather
// DECOMPOSE: et.grouped_matmul
// DECOMPOSE-NOT: tokens

// FUSE-LABEL: func @gathered
// FUSE-NOT: et.gather
// FUSE: et.grouped_matmul {{.*}} tokens(

// Buffers for all, the pairs' as large as the plan says, and each freed.
// BUFFERIZE-LABEL: func @layer
// BUFFERIZE-SAME: (%{{.*}}: memref<?x8xbf16>, {{.*}}) -> memref<?x8xbf16>
// BUFFERIZE: et.offsets ins({{.*}}) outs(%[[OFFSETS:.*]] : memref<5xi32>)
// BUFFERIZE: %[[PAIRS:.*]] = memref.load %[[OFFSETS]][%c4]
// BUFFERIZE: %[[S:.*]] = arith.index_cast %[[PAIRS]]
// BUFFERIZE: %[[H:.*]] = memref.alloc(%[[S]]) {{.*}} : memref<?x16xbf16>
// BUFFERIZE: et.grouped_matmul relu_squared {{.*}} outs(%[[H]] : memref<?x16xbf16>)
// BUFFERIZE: et.combine ins({{.*}}) outs(%[[Y:.*]] : memref<?x8xbf16>)
// BUFFERIZE-DAG: memref.dealloc %[[H]]
// BUFFERIZE-DAG: memref.dealloc %[[OFFSETS]]
// BUFFERIZE: return %[[Y]]

// LOOPS-LABEL: func @layer
// LOOPS: scf.parallel
// LOOPS: math.ctpop
// LOOPS: return

// LLVM-DAG: llvm.func @layer(
// LLVM-DAG: llvm.func @gathered(

func.func @layer(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>,
                 %out: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %router, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xbf16>)
  return %y : tensor<?x8xbf16>
}

func.func @gathered(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %offsets: tensor<5xi32>, %list: tensor<?xi32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %list, %c0 : tensor<?xi32>
  %empty = tensor.empty(%rows) : tensor<?x8xf32>
  %g = et.gather ins(%x, %list, %offsets : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%empty : tensor<?x8xf32>)
  %y = et.grouped_matmul relu ins(%g, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%offsets : tensor<5xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}
