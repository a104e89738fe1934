// Results with the roles that et-append-routing-stats gives to its own.
func.func @roles(%scores: tensor<?x8xf32> {et.name = "scores"})
    -> (tensor<3xi32> {et.role = "routing.loads"}, tensor<?x8xf32> {et.role = "routing.figures"}, i32) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %scores, %c0 : tensor<?x8xf32>
  %c32 = arith.constant 32 : index
  %words = arith.ceildivui %t, %c32 : index
  %m = tensor.empty(%words) : tensor<8x?xi32>
  %g = tensor.empty(%t) : tensor<?x8xf32>
  %mask, %gates = et.gate #et.top_k<k = 2> ins(%scores : tensor<?x8xf32>)
    outs(%m, %g : tensor<8x?xi32>, tensor<?x8xf32>)
  %loads = arith.constant dense<[7, 8, 9]> : tensor<3xi32>
  %one = arith.constant 1 : i32
  return %loads, %gates, %one : tensor<3xi32>, tensor<?x8xf32>, i32
}
