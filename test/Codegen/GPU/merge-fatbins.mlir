// RUN: et-opt %s --et-merge-fatbins | FileCheck %s

// CHECK:      gpu.binary @two [#gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00\10\00\00\00\00\00\00\00for_sm80for_sm90">]
gpu.binary @two [
  #gpu.object<#nvvm.target<chip = "sm_80">, fatbin = "P\EDU\BA\01\00\10\00\08\00\00\00\00\00\00\00for_sm80">,
  #gpu.object<#nvvm.target<chip = "sm_90a">, fatbin = "P\EDU\BA\01\00\10\00\08\00\00\00\00\00\00\00for_sm90">
]

// Other formats stay as they are.
// CHECK:      gpu.binary @cubins
// CHECK-SAME:   #nvvm.target<chip = "sm_80">
// CHECK-SAME:   #nvvm.target<chip = "sm_90a">
gpu.binary @cubins [
  #gpu.object<#nvvm.target<chip = "sm_80">, bin = "a">,
  #gpu.object<#nvvm.target<chip = "sm_90a">, bin = "b">
]
