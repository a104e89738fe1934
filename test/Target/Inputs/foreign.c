/* Another MLIR runtime, with upstream's names, which no compiled layer calls.
 */

#include <stdio.h>
#include <stdlib.h>

#define FOREIGN(name)                                                          \
  void *name(void) {                                                           \
    fprintf(stderr, "a layer called the foreign " #name "\n");                 \
    abort();                                                                   \
  }

FOREIGN(_mlir_memref_to_llvm_alloc)
FOREIGN(_mlir_memref_to_llvm_aligned_alloc)
FOREIGN(_mlir_memref_to_llvm_free)
FOREIGN(mgpuModuleLoad)
FOREIGN(mgpuModuleLoadJIT)
FOREIGN(mgpuModuleUnload)
FOREIGN(mgpuModuleGetFunction)
FOREIGN(mgpuLaunchKernel)
FOREIGN(mgpuStreamCreate)
FOREIGN(mgpuStreamDestroy)
FOREIGN(mgpuStreamSynchronize)
FOREIGN(mgpuMemAlloc)
FOREIGN(mgpuMemFree)
FOREIGN(mgpuMemcpy)
