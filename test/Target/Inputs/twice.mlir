// y = 2 * x, unless x has seven elements.
func.func @twice(%x: tensor<?xf32> {et.name = "x"}) -> (tensor<?xf32> {et.name = "y"}) {
  %c0 = arith.constant 0 : index
  %c7 = arith.constant 7 : index
  %size = tensor.dim %x, %c0 : tensor<?xf32>
  %ok = arith.cmpi ne, %size, %c7 : index
  cf.assert %ok, "seven are one too many"
  %e = tensor.empty(%size) : tensor<?xf32>
  %y = linalg.add ins(%x, %x : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
