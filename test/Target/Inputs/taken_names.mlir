// Functions that are called like the runtime's, like OpenMP's and like C's, and ops that
// call those.
func.func @et_use_matrices(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = call @omp_get_max_threads(%x) : (tensor<?xf32>) -> tensor<?xf32>
  %1 = call @erfcf(%0) : (tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}
func.func private @omp_get_max_threads(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = arith.addf %x, %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func private @erfcf(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = math.erfc %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func @et_kernels(%x: tensor<?x16xbf16>, %w: tensor<2x16x32xbf16>, %o: tensor<3xi32>, %i: tensor<?x32xbf16>)
    -> tensor<?x32xbf16> {
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x16xbf16>, tensor<2x16x32xbf16>)
    offsets(%o : tensor<3xi32>) outs(%i : tensor<?x32xbf16>)
  return %y : tensor<?x32xbf16>
}
func.func @et_cuda_arch(%x: tensor<?xf32>) -> tensor<?xf32> {
  %1 = call @et_cuda_tensor_map(%x) : (tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}
func.func @et_cuda_tensor_map(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = arith.negf %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
