// Gates in a callee, in a loop, in a branch of it, and in a loop that ends by a condition.
#map = affine_map<(d0) -> (d0)>

func.func private @route(%r: tensor<40x4xf32>, %theta: tensor<4xf32>) -> tensor<40x4xf32> {
  %m = tensor.empty() : tensor<4x2xi32>
  %g = tensor.empty() : tensor<40x4xf32>
  %mask, %gates = et.gate #et.threshold<gate = binary> ins(%r : tensor<40x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<40x4xf32>)
  return %gates : tensor<40x4xf32>
}

func.func @f(%r: tensor<40x4xf32>, %theta: tensor<4xf32>, %n: index) -> tensor<40x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %m = tensor.empty() : tensor<4x2xi32>
  %g = tensor.empty() : tensor<40x4xf32>
  %first = call @route(%r, %theta) : (tensor<40x4xf32>, tensor<4xf32>) -> tensor<40x4xf32>
  %loop = scf.for %i = %c0 to %n step %c1 iter_args(%last = %first) -> tensor<40x4xf32> {
    %int = arith.index_cast %i : index to i32
    %real = arith.sitofp %int : i32 to f32
    %empty = tensor.empty() : tensor<4xf32>
    %raised = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
        ins(%theta : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
    ^bb0(%t: f32, %out: f32):
      %sum = arith.addf %t, %real : f32
      linalg.yield %sum : f32
    } -> tensor<4xf32>
    %gates = func.call @route(%r, %raised) : (tensor<40x4xf32>, tensor<4xf32>) -> tensor<40x4xf32>
    %rest = arith.remui %i, %c2 : index
    %odd = arith.cmpi eq, %rest, %c1 : index
    %either = scf.if %odd -> tensor<40x4xf32> {
      %mask, %best = et.gate #et.top_k<k = 2> ins(%r : tensor<40x4xf32>)
        outs(%m, %g : tensor<4x2xi32>, tensor<40x4xf32>)
      scf.yield %best : tensor<40x4xf32>
    } else {
      scf.yield %gates : tensor<40x4xf32>
    }
    scf.yield %either : tensor<40x4xf32>
  }
  %end:2 = scf.while (%i = %c0, %last = %loop) : (index, tensor<40x4xf32>) -> (index, tensor<40x4xf32>) {
    %more = arith.cmpi ult, %i, %n : index
    scf.condition(%more) %i, %last : index, tensor<40x4xf32>
  } do {
  ^bb0(%i: index, %last: tensor<40x4xf32>):
    %mask, %chosen = et.gate #et.expert_choice<rate = 0.25> ins(%r : tensor<40x4xf32>)
      outs(%m, %g : tensor<4x2xi32>, tensor<40x4xf32>)
    %next = arith.addi %i, %c1 : index
    scf.yield %next, %chosen : index, tensor<40x4xf32>
  }
  return %end#1 : tensor<40x4xf32>
}
