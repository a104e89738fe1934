// An ET layer in the paper's form, in two functions that share its weights' names.
func.func @layer(%x: tensor<?x8xf32> {et.name = "x"},
                 %router: tensor<8x4xf32> {et.weight = "router"},
                 %w1: tensor<4x8x16xf32> {et.weight = "w1"},
                 %w2: tensor<4x16x8xf32> {et.weight = "w2"},
                 %theta: tensor<4xf32> {et.weight = "theta"})
    -> (tensor<?x8xf32> {et.name = "y"}) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %init = tensor.empty(%t) : tensor<?x8xf32>
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %router, %w1, %w2
      : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>)
    outs(%init : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}
