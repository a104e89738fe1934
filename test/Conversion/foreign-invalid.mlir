// What does not say how it decides is an error, once, wherever it would have been lowered.

// RUN: et-opt %s -split-input-file -verify-diagnostics --load-dialect-plugin=%foreign_dialect --convert-et-to-scf
// RUN: et-opt %s -split-input-file -verify-diagnostics --load-dialect-plugin=%foreign_dialect --convert-et-to-gpu
// RUN: et-opt %s -split-input-file -verify-diagnostics --load-dialect-plugin=%foreign_dialect --convert-et-to-vector --convert-et-to-scf

func.func @gate(%r: memref<?x4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  // expected-error@+1 {{'et.gate' op has the routing #foreign.everyone, for which there is no lowering, since it implements none of PairRoutingAttrInterface, TokenRoutingAttrInterface and ExpertRoutingAttrInterface; use one of #et.threshold, #et.bounded_threshold, #et.top_k, #et.expert_choice, #et.top_p, or replace the op by others before this pass}}
  et.gate #foreign.everyone ins(%r : memref<?x4xf32>) outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// -----

func.func @route(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>, %o: memref<5xi32>) {
  // expected-error@+1 {{has the routing #foreign.everyone, for which there is no lowering, since it implements none of PairRoutingAttrInterface}}
  et.route linear #foreign.everyone ins(%x, %router : memref<?x8xf32>, memref<8x4xf32>)
    outs(%m, %g, %o : memref<4x?xi32>, memref<?x4xf32>, memref<5xi32>)
  return
}

// -----

func.func @statistic(%r: memref<?x4xf32>, %out: memref<4xf32>) {
  // expected-error@+1 {{'et.statistic' op has the statistic #foreign.largest, for which there is no lowering; use one of #et.mean_minus_std, #et.kth_largest, #et.quantile, or replace the op by others before this pass}}
  et.statistic #foreign.largest ins(%r : memref<?x4xf32>) outs(%out : memref<4xf32>)
  return
}
