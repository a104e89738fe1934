func.func @layer(%x: tensor<?x16xf16> {et.name = "x"}, %router: tensor<16x8xf16> {et.weight = "router"},
                 %theta: tensor<8xf32> {et.weight = "theta"}, %w1: tensor<8x16x8xf16> {et.weight = "w1"},
                 %w2: tensor<8x8x16xf16> {et.weight = "w2"}) -> (tensor<?x16xf16> {et.name = "y"}) {
  %c0 = arith.constant 0 : index
  %count = tensor.dim %x, %c0 : tensor<?x16xf16>
  %init = tensor.empty(%count) : tensor<?x16xf16>
  %y = et.moe linear #et.threshold relu
    ins(%x, %router, %w1, %w2 : tensor<?x16xf16>, tensor<16x8xf16>, tensor<8x16x8xf16>, tensor<8x8x16xf16>)
    theta(%theta : tensor<8xf32>) outs(%init : tensor<?x16xf16>)
    {lowering_config = #et.lowering_config<max_tokens = 20>}
  return %y : tensor<?x16xf16>
}
