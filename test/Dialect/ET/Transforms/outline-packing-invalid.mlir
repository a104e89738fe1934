// RUN: et-opt %s --et-outline-packing -verify-diagnostics

func.func @f(%x: tensor<?x8xf32>, %w: tensor<1x8x8xf32> {et.weight = "w"}, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %e = tensor.empty() : tensor<1x1x8x8xf32>
  %p = et.pack #et.panels<columns = 8> ins(%w : tensor<1x8x8xf32>) outs(%e : tensor<1x1x8x8xf32>)
  %y = et.grouped_matmul relu ins(%x, %p : tensor<?x8xf32>, tensor<1x1x8x8xf32>) panels(#et.panels<columns = 8>)
    outs(%init : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// expected-error@+1 {{'f_pack' is the name that packs the weights of 'f'; rename this function}}
func.func @f_pack() {
  return
}
