// RUN: et-opt %s --et-merge-fatbins --split-input-file --verify-diagnostics

// expected-error @+1 {{object of #nvvm.target<chip = "sm_90a"> is not a fat binary of a known version}}
gpu.binary @magic [
  #gpu.object<#nvvm.target<chip = "sm_80">, fatbin = "P\EDU\BA\01\00\10\00\08\00\00\00\00\00\00\00for_sm80">,
  #gpu.object<#nvvm.target<chip = "sm_90a">, fatbin = "\7FELF\01\00\10\00\08\00\00\00\00\00\00\00for_sm90">
]

// -----

// Shorter than it says.
// expected-error @+1 {{object of #nvvm.target<chip = "sm_80"> is not a fat binary of a known version}}
gpu.binary @size [
  #gpu.object<#nvvm.target<chip = "sm_80">, fatbin = "P\EDU\BA\01\00\10\00\09\00\00\00\00\00\00\00for_sm80">,
  #gpu.object<#nvvm.target<chip = "sm_90a">, fatbin = "P\EDU\BA\01\00\10\00\08\00\00\00\00\00\00\00for_sm90">
]
