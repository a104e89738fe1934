// y = x * w * by, rows of x by w's elements; and how many rows.
func.func @scale(%x: tensor<?x4xf32> {et.name = "x"},
                 %w: tensor<4xf32> {et.name = "w", et.weight = "layer.w"},
                 %by: f32 {et.name = "by"})
    -> (tensor<?x4xf32> {et.name = "y"}, index {et.name = "rows"}) {
  %c0 = arith.constant 0 : index
  %c7 = arith.constant 7 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %ok = arith.cmpi ne, %t, %c7 : index
  cf.assert %ok, "seven rows are one too many"
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %n = arith.mulf %m, %by : f32
    linalg.yield %n : f32
  } -> tensor<?x4xf32>
  return %y, %t : tensor<?x4xf32>, index
}

func.func @same(%x: tensor<?xbf16>, %flag: tensor<2xi1>) -> (tensor<?xbf16>, tensor<2xi1>) {
  return %x, %flag : tensor<?xbf16>, tensor<2xi1>
}

// Names that C cannot say.
func.func @"layer.0"(%int: i32 {et.name = "int"}, %x: i32 {et.name = "a-b"})
    -> (i32 {et.name = "int"}) {
  %y = arith.addi %int, %x : i32
  return %y : i32
}
