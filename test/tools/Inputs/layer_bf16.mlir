func.func @layer(%x: tensor<?x2048xbf16>, %router: tensor<2048x8xbf16>, %theta: tensor<8xf32>,
                 %w1: tensor<8x2048x4096xbf16>, %w2: tensor<8x4096x2048xbf16>) -> tensor<?x2048xbf16> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x2048xbf16>
  %init = tensor.empty(%t) : tensor<?x2048xbf16>
  %y = et.moe linear #et.threshold relu_squared
    ins(%x, %router, %w1, %w2
      : tensor<?x2048xbf16>, tensor<2048x8xbf16>, tensor<8x2048x4096xbf16>, tensor<8x4096x2048xbf16>)
    theta(%theta : tensor<8xf32>) outs(%init : tensor<?x2048xbf16>)
  return %y : tensor<?x2048xbf16>
}
