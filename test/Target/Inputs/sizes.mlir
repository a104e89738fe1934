// Buffers whose sizes only the call knows.
func.func @fill(%n: index) -> tensor<?x4xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %y = linalg.fill ins(%one : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

func.func @fill_all(%n: index, %m: index, %k: index) -> tensor<?x?x?xbf16> {
  %one = arith.constant 1.0 : bf16
  %e = tensor.empty(%n, %m, %k) : tensor<?x?x?xbf16>
  %y = linalg.fill ins(%one : bf16) outs(%e : tensor<?x?x?xbf16>) -> tensor<?x?x?xbf16>
  return %y : tensor<?x?x?xbf16>
}

func.func @layer(%x: tensor<?x?xf32>, %router: tensor<?x?xf32>, %theta: tensor<?xf32>,
                 %w1: tensor<?x?x?xf32>, %w2: tensor<?x?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c0 : tensor<?x?xf32>
  %d = tensor.dim %x, %c1 : tensor<?x?xf32>
  %init = tensor.empty(%t, %d) : tensor<?x?xf32>
  %y = et.moe linear #et.threshold relu_squared
    ins(%x, %router, %w1, %w2 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>)
    theta(%theta : tensor<?xf32>) outs(%init : tensor<?x?xf32>)
  return %y : tensor<?x?xf32>
}
