// relu(x w1) w2 of every token, by an expert that takes all.
func.func @layer(%x: tensor<?x2xf32> {et.name = "x"},
                 %w1: tensor<1x2x3xf32> {et.name = "w1", et.weight = "layer.w1"},
                 %theta: tensor<1xf32> {et.name = "theta", et.weight = "layer.theta"},
                 %w2: tensor<1x3x2xf32> {et.name = "w2", et.weight = "layer.w2"},
                 %router: tensor<2x1xf32> {et.name = "router", et.weight = "layer.router"})
    -> (tensor<?x2xf32> {et.name = "y"}) {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x2xf32>
  %init = tensor.empty(%tokens) : tensor<?x2xf32>
  %y = et.moe linear #et.threshold<gate = binary> relu
    ins(%x, %router, %w1, %w2 : tensor<?x2xf32>, tensor<2x1xf32>, tensor<1x2x3xf32>, tensor<1x3x2xf32>)
    theta(%theta : tensor<1xf32>) outs(%init : tensor<?x2xf32>)
  return %y : tensor<?x2xf32>
}
