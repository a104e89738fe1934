func.func @f(%r: tensor<40x4xf32>, %n: index) -> tensor<40x4xf32> {
  %0 = call @again(%r, %n) : (tensor<40x4xf32>, index) -> tensor<40x4xf32>
  return %0 : tensor<40x4xf32>
}
func.func private @again(%r: tensor<40x4xf32>, %n: index) -> tensor<40x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.empty() : tensor<4x2xi32>
  %g = tensor.empty() : tensor<40x4xf32>
  %mask, %gates = et.gate #et.top_k<k = 2> ins(%r : tensor<40x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<40x4xf32>)
  %more = arith.cmpi ugt, %n, %c0 : index
  %0 = scf.if %more -> tensor<40x4xf32> {
    %less = arith.subi %n, %c1 : index
    %1 = func.call @again(%gates, %less) : (tensor<40x4xf32>, index) -> tensor<40x4xf32>
    scf.yield %1 : tensor<40x4xf32>
  } else {
    scf.yield %gates : tensor<40x4xf32>
  }
  return %0 : tensor<40x4xf32>
}
