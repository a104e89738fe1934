// Tokens without any width: many of them take no memory.
func.func @layer(%x: tensor<?x0xf32>, %router: tensor<0x?xf32>, %theta: tensor<?xf32>,
                 %w1: tensor<?x0x4xf32>, %w2: tensor<?x4x0xf32>) -> tensor<?x0xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x0xf32>
  %init = tensor.empty(%t) : tensor<?x0xf32>
  %y = et.moe linear #et.threshold relu
    ins(%x, %router, %w1, %w2 : tensor<?x0xf32>, tensor<0x?xf32>, tensor<?x0x4xf32>, tensor<?x4x0xf32>)
    theta(%theta : tensor<?xf32>) outs(%init : tensor<?x0xf32>)
  return %y : tensor<?x0xf32>
}

// A token has at most two experts, however many there are.
func.func @top_two(%x: tensor<?x0xf32>, %router: tensor<0x?xf32>,
                   %w1: tensor<?x0x4xf32>, %w2: tensor<?x4x0xf32>) -> tensor<?x0xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x0xf32>
  %init = tensor.empty(%t) : tensor<?x0xf32>
  %y = et.moe linear #et.top_k<k = 2> relu
    ins(%x, %router, %w1, %w2 : tensor<?x0xf32>, tensor<0x?xf32>, tensor<?x0x4xf32>, tensor<?x4x0xf32>)
    outs(%init : tensor<?x0xf32>)
  return %y : tensor<?x0xf32>
}

// No expert: scores take no memory either.
func.func @statistic(%scores: tensor<?x?xf32>, %m: tensor<?xf32>) -> tensor<?xf32> {
  %0 = et.statistic #et.kth_largest<rate = 0.5> ins(%scores : tensor<?x?xf32>) outs(%m : tensor<?xf32>)
  return %0 : tensor<?xf32>
}

// Either way a mask takes no memory.
func.func @offsets(%mask: tensor<?x?xi32>, %out: tensor<?xi32>) -> tensor<?xi32> {
  %0 = et.offsets ins(%mask : tensor<?x?xi32>) outs(%out : tensor<?xi32>)
  return %0 : tensor<?xi32>
}
