// RUN: et-opt %s --convert-et-to-gpu --cse --split-input-file | FileCheck %s

// CHECK-LABEL: func @offsets
// One block.
// CHECK:       gpu.launch blocks({{[^)]*}}) in (%{{[^ ]*}} = %c1{{(_[0-9]+)?}}, {{.*}} = %c1024{{.*}} function(@et_offsets)
// CHECK:         math.ctpop
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK-COUNT-5: gpu.shuffle up
// CHECK-NOT:   atomic
func.func @offsets(%mask: memref<?x?xi32>, %offsets: memref<?xi32>) {
  et.offsets ins(%mask : memref<?x?xi32>) outs(%offsets : memref<?xi32>)
  return
}

// -----

// A block an expert.
// CHECK-LABEL: func @token_list
// CHECK:       gpu.launch blocks(%[[EXPERT:[^,]*]], {{.*}} function(@et_token_list)
// CHECK:         memref.load %arg1[%[[EXPERT]]]
// CHECK:         scf.while
// CHECK:           math.cttz
// CHECK:           memref.store {{.*}}, %arg2
// CHECK-NOT:   atomic
func.func @token_list(%mask: memref<?x?xi32>, %offsets: memref<?xi32>, %tokens: memref<?xi32>) {
  et.token_list ins(%mask, %offsets : memref<?x?xi32>, memref<?xi32>) outs(%tokens : memref<?xi32>)
  return
}

// -----

// CHECK-LABEL: func @gather
// CHECK:       gpu.launch blocks(%[[ROW:[^,]*]], {{.*}} function(@et_gather)
// CHECK:         %[[TOKEN:.*]] = memref.load %arg1[%[[ROW]]]
func.func @gather(%x: memref<?x8xf16>, %tokens: memref<?xi32>, %offsets: memref<5xi32>, %out: memref<?x8xf16>) {
  et.gather ins(%x, %tokens, %offsets : memref<?x8xf16>, memref<?xi32>, memref<5xi32>) outs(%out : memref<?x8xf16>)
  return
}

// -----

// CHECK-LABEL: func @combine
// CHECK:       gpu.launch blocks(%[[TOKEN:[^,]*]], {{.*}} function(@et_combine)
// The chosen experts of 32, then the rows of their pairs, then their sum.
// CHECK:         nvvm.vote.sync ballot
// CHECK:         scf.while
// CHECK:           math.ctpop
// CHECK:         gpu.barrier
// CHECK:         scf.while
// CHECK:           vector.load %arg0{{.*}} {alignment = 16 : i64} : memref<?x8xf32>, vector<8xf32>
// CHECK-COUNT-8:   math.fma
// CHECK:         gpu.barrier
// CHECK:         arith.truncf {{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK-NEXT:    vector.store {{.*}}, %arg5[%[[TOKEN]]
func.func @combine(%pairs: memref<?x8xf32>, %gates: memref<?x4xf32>, %mask: memref<4x?xi32>, %offsets: memref<5xi32>, %shared: memref<?x8xf32>, %out: memref<?x8xbf16>) {
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x8xf32>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>)
    shared(%shared : memref<?x8xf32>) outs(%out : memref<?x8xbf16>)
  return
}

// -----

// Pairs of 16 bits, eight columns a thread: 96 threads have columns, and warps
// are a power of two.
// CHECK-LABEL: func @combine_narrow
// CHECK:       gpu.launch {{.*}} threads({{.*}} in (%{{.*}} = %c128
// CHECK:         vector.load %arg0{{.*}} {alignment = 16 : i64} : memref<?x768xf16>, vector<8xf16>
func.func @combine_narrow(%pairs: memref<?x768xf16>, %gates: memref<?x4xf32>, %mask: memref<4x?xi32>, %offsets: memref<5xi32>, %out: memref<?x768xf16>) {
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x768xf16>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>)
    outs(%out : memref<?x768xf16>)
  return
}

// -----

// Rows that are not made of eight columns, and rows of unknown width.
// CHECK-LABEL: func @combine_scattered
// CHECK-NOT:   vector.load
// CHECK-COUNT-4: math.fma
// CHECK-NOT:   math.fma
// CHECK-LABEL: func @combine_dynamic
// CHECK-NOT:   vector.load
// CHECK-COUNT-4: math.fma
func.func @combine_scattered(%pairs: memref<?x12xf16>, %gates: memref<?x4xf32>, %mask: memref<4x?xi32>, %offsets: memref<5xi32>, %out: memref<?x12xf16>) {
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x12xf16>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>)
    outs(%out : memref<?x12xf16>)
  return
}
func.func @combine_dynamic(%pairs: memref<?x?xf32>, %gates: memref<?x4xf32>, %mask: memref<4x?xi32>, %offsets: memref<5xi32>, %out: memref<?x?xf32>) {
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x?xf32>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>)
    outs(%out : memref<?x?xf32>)
  return
}
