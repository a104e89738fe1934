func.func @layer(%x: tensor<?x?xf32>, %router: tensor<?x?xf32>, %theta: tensor<?xf32>,
                 %w1: tensor<?x?x?xf32>, %w2: tensor<?x?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x?xf32>
  %width = tensor.dim %x, %c1 : tensor<?x?xf32>
  %init = tensor.empty(%tokens, %width) : tensor<?x?xf32>
  %y = et.moe linear #et.threshold relu
    ins(%x, %router, %w1, %w2
      : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>)
    theta(%theta : tensor<?xf32>) outs(%init : tensor<?x?xf32>)
  return %y : tensor<?x?xf32>
}
