// Buffers through control flow and calls: which one lives on is known only when
// the function runs.

func.func private @double(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?xf32>
  %init = tensor.empty(%t) : tensor<?xf32>
  %y = linalg.add ins(%x, %x : tensor<?xf32>, tensor<?xf32>)
    outs(%init : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

func.func private @double_and_square(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?xf32>
  %y = call @double(%x) : (tensor<?xf32>) -> tensor<?xf32>
  %init = tensor.empty(%t) : tensor<?xf32>
  %z = linalg.mul ins(%x, %x : tensor<?xf32>, tensor<?xf32>)
    outs(%init : tensor<?xf32>) -> tensor<?xf32>
  return %y, %z : tensor<?xf32>, tensor<?xf32>
}

// A new tensor or an argument.
func.func @one(%x: tensor<?xf32>, %z: tensor<?xf32>, %p: i1) -> tensor<?xf32> {
  %y = scf.if %p -> tensor<?xf32> {
    %a = func.call @double(%x) : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %a : tensor<?xf32>
  } else {
    scf.yield %z : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// One of two tensors, then it or an argument; a result may be the other's memory.
func.func @two(%x: tensor<?xf32>, %z: tensor<?xf32>, %p: i1, %q: i1)
    -> (tensor<?xf32>, tensor<?xf32>) {
  %a = call @double(%x) : (tensor<?xf32>) -> tensor<?xf32>
  %b = call @double(%a) : (tensor<?xf32>) -> tensor<?xf32>
  %y = scf.if %p -> tensor<?xf32> {
    scf.yield %a : tensor<?xf32>
  } else {
    scf.yield %b : tensor<?xf32>
  }
  %w = scf.if %q -> tensor<?xf32> {
    scf.yield %y : tensor<?xf32>
  } else {
    scf.yield %z : tensor<?xf32>
  }
  return %y, %w : tensor<?xf32>, tensor<?xf32>
}

// Results of a function called twice; two of four live on.
func.func @calls(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %a, %b = call @double_and_square(%x) : (tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  %c, %d = call @double_and_square(%a) : (tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  return %b, %d : tensor<?xf32>, tensor<?xf32>
}

// A new tensor each time around, from an argument on.
func.func @loop(%x: tensor<?xf32>, %n: index, %p: i1) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<?xf32> {
    %b = func.call @double(%a) : (tensor<?xf32>) -> tensor<?xf32>
    %c = scf.if %p -> tensor<?xf32> {
      scf.yield %b : tensor<?xf32>
    } else {
      %d = func.call @double(%b) : (tensor<?xf32>) -> tensor<?xf32>
      scf.yield %d : tensor<?xf32>
    }
    scf.yield %c : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// A layer, or the tokens as they are.
func.func @layer(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>,
                 %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %p: i1) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %y = scf.if %p -> tensor<?x8xf32> {
    %t = tensor.dim %x, %c0 : tensor<?x8xf32>
    %init = tensor.empty(%t) : tensor<?x8xf32>
    %m = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2
        : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
      theta(%theta : tensor<4xf32>) outs(%init : tensor<?x8xf32>)
    scf.yield %m : tensor<?x8xf32>
  } else {
    scf.yield %x : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}
