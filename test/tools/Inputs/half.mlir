func.func @same(%x: tensor<4x64xi8> {et.weight = "half"}) -> tensor<4x64xi8> {
  return %x : tensor<4x64xi8>
}
