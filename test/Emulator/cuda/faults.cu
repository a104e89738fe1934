// Programs with one fault each; with FIXED, without it.
#include <cuda_fp16.h>
#include <stdint.h>
#define KERNEL extern "C" __global__ void
#ifdef FIXED
#define FIX(good, bad) good
#else
#define FIX(good, bad) bad
#endif
__device__ uint32_t smem(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }
KERNEL missing_syncthreads(const float *a, float *o) { __shared__ float s[64]; s[threadIdx.x] = 0; __syncthreads(); s[threadIdx.x] = a[threadIdx.x]; FIX(__syncthreads();, ) o[threadIdx.x] = s[63 - threadIdx.x]; }
KERNEL missing_second_syncthreads(const float *a, float *o) { // read, then overwritten
  __shared__ float s[64];
  for (int k = 0; k < 2; ++k) { s[threadIdx.x] = a[threadIdx.x + k]; __syncthreads(); o[k * 64 + threadIdx.x] = s[63 - threadIdx.x]; FIX(__syncthreads();, ) }
}
KERNEL missing_copy_wait(const float *a, float *o) {
  __shared__ __align__(16) float s[128];
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(smem(s + 4 * threadIdx.x)), "l"(a + 4 * threadIdx.x));
  asm volatile("cp.async.commit_group;");
  FIX(asm volatile("cp.async.wait_group 0;" ::: "memory");, )
  __syncthreads();
  o[threadIdx.x] = s[127 - threadIdx.x];
}
KERNEL global_overrun(const float *a, float *o, int n) { int i = threadIdx.x; if (FIX(i < n, i <= n)) o[i] = a[i]; }
KERNEL shared_overrun(const float *a, float *o) { extern __shared__ float s[]; s[threadIdx.x FIX(, +1)] = a[threadIdx.x]; __syncthreads(); o[threadIdx.x] = s[threadIdx.x FIX(, +1)]; }
KERNEL uninitialized_global(const float *a, float *o, float *scratch) { FIX(scratch[threadIdx.x] = 1; , ) o[threadIdx.x] = a[threadIdx.x] + scratch[threadIdx.x]; }
KERNEL uninitialized_shared(const float *a, float *o) { __shared__ float s[64]; if (threadIdx.x < FIX(64, 63)) s[threadIdx.x] = a[threadIdx.x]; __syncthreads(); o[threadIdx.x] = s[63 - threadIdx.x]; }
KERNEL block_race(float *o) { if (threadIdx.x == 0) { FIX(atomicAdd(o, 1.0f);, o[0] = o[0] + 1.0f;) } }
KERNEL missing_fence_before(float *part, unsigned *count, float *o) { // the last block adds what all wrote
  if (threadIdx.x) return;
  part[blockIdx.x] = blockIdx.x; FIX(__threadfence();, )
  if (atomicAdd(count, 1) != gridDim.x - 1) return;
  __threadfence(); float t = 0; for (int b = 0; b < gridDim.x; ++b) t += part[b]; *o = t;
}
KERNEL missing_fence_after(float *part, unsigned *count, float *o) {
  if (threadIdx.x) return;
  part[blockIdx.x] = blockIdx.x; __threadfence();
  if (atomicAdd(count, 1) != gridDim.x - 1) return;
  FIX(__threadfence();, ) float t = 0; for (int b = 0; b < gridDim.x; ++b) t += part[b]; *o = t;
}
KERNEL fence_of_the_block(float *part, unsigned *count, float *o) {
  if (threadIdx.x) return;
  part[blockIdx.x] = blockIdx.x; FIX(__threadfence(), __threadfence_block());
  if (atomicAdd(count, 1) != gridDim.x - 1) return;
  __threadfence(); float t = 0; for (int b = 0; b < gridDim.x; ++b) t += part[b]; *o = t;
}
KERNEL relaxed_atomic(float *part, unsigned *count, float *o) { // as above, the order in the atomic itself
  if (threadIdx.x) return;
  part[blockIdx.x] = blockIdx.x;
  unsigned before; asm volatile(FIX("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;", "atom.relaxed.gpu.global.add.u32 %0, [%1], 1;") : "=r"(before) : "l"(count) : "memory");
  if (before != gridDim.x - 1) return;
  float t = 0; for (int b = 0; b < gridDim.x; ++b) t += part[b]; *o = t;
}
KERNEL unordered_init(unsigned *count, float *o) { // a counter that one block sets and others add to
  if (threadIdx.x) return;
  if (blockIdx.x == 0) FIX(atomicExch(count, 0u), *count = 0);
  atomicAdd(count, 1u);
}
KERNEL broken_release(float *data, unsigned *flag, float *o) { // passed on by a second block, which must not cut the chain
  if (threadIdx.x) return;
  if (blockIdx.x == 0) { *data = 1; asm volatile("st.release.gpu.global.u32 [%0], 1;" :: "l"(flag) : "memory"); }
  else if (blockIdx.x == 1) {
    while (*(volatile unsigned *)flag != 1) __nanosleep(20);
    FIX(atomicAdd(flag, 1u), asm volatile("st.relaxed.gpu.global.u32 [%0], 2;" :: "l"(flag) : "memory"));
    ((volatile unsigned *)flag)[1] = 1;
  } else {
    while (((volatile unsigned *)flag)[1] != 1) __nanosleep(20);
    unsigned seen; asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(flag) : "memory");
    *o = *data + seen;
  }
}
KERNEL divergent_barrier(const float *a, float *o) { __shared__ float s[32]; s[threadIdx.x] = a[threadIdx.x]; if (FIX(true, threadIdx.x < 16)) __syncthreads(); o[threadIdx.x] = s[31 - threadIdx.x]; }
KERNEL misaligned(const float *a, float *o) { float4 v = *(const float4 *)(a + 4 * threadIdx.x FIX(, +1)); o[threadIdx.x] = v.x + v.w; }
KERNEL barrier_of_few(float *o) { if (threadIdx.x / 32 != FIX(9, 1)) asm volatile("bar.sync 3, 64;" ::: "memory"); o[threadIdx.x] = 1; }
KERNEL shuffle_outside(const int *a, int *o) { int v = a[threadIdx.x]; if (threadIdx.x < FIX(32, 16)) o[threadIdx.x] = __shfl_sync(FIX(~0u, 0xffffu), v, FIX(5, 20)); else o[threadIdx.x] = 0; }
KERNEL failed_assert(float *o) { FIX(, asm volatile("trap;")); o[threadIdx.x] = 1; }
KERNEL endless(volatile int *o) { while (FIX(false, true)) *o = 1; }
// Nothing wrote before, so a reader that comes too early finds nothing.
KERNEL missing_first_syncthreads(const float *a, float *o) { __shared__ float s[64]; s[threadIdx.x] = a[threadIdx.x]; FIX(__syncthreads();, ) o[threadIdx.x] = s[63 - threadIdx.x]; }
KERNEL block_reads_early(float *scratch, float *o) { if (threadIdx.x == 0) { scratch[blockIdx.x] = 1; o[blockIdx.x] = scratch[FIX(blockIdx.x, (blockIdx.x + 1) % gridDim.x)]; } }
__device__ void meet(int threads) { asm volatile("bar.sync 1, %0;" ::"r"(threads) : "memory"); }
// Three warps: two read what the third writes, and one of them does not tell it so.
KERNEL forgotten_reader(float *a, float *o) {
  int w = threadIdx.x / 32;
  if (w < 2) { o[threadIdx.x] = a[0]; if (w == 1 FIX(|| true, )) meet(FIX(96, 64)); }
  if (w == 2) { meet(FIX(96, 64)); if (threadIdx.x == 64) a[0] = 5; }
}
// The third reads what the first wrote into the other half of a word.
KERNEL forgotten_half(float *o) {
  __shared__ short s[2];
  int w = threadIdx.x / 32;
  if (w < 2) { if (threadIdx.x % 32 == 0) s[w] = w; if (w == 1 FIX(|| true, )) meet(FIX(96, 64)); }
  if (w == 2) { meet(FIX(96, 64)); o[threadIdx.x] = s[0]; }
}
#if __CUDA_ARCH__ >= 900
__device__ void init(uint64_t *b, int n) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(smem(b)), "r"(n) : "memory"); }
__device__ void wait(uint64_t *b, int parity) { asm volatile("{\n.reg .pred p;\nL: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@p bra D;\nbra L;\nD:\n}" ::"r"(smem(b)), "r"(parity) : "memory"); }
__device__ void arrive(uint64_t *b) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(smem(b)) : "memory"); }
__device__ void expect(uint64_t *b, int n) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(smem(b)), "r"(n) : "memory"); }
__device__ void fence() { asm volatile("fence.proxy.async;" ::: "memory"); }
__device__ void bulk(void *to, const void *from, int n, uint64_t *b) { asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(smem(to)), "l"(from), "r"(n), "r"(smem(b)) : "memory"); }
KERNEL wrong_count(float *o) { __shared__ uint64_t b; if (threadIdx.x == 0) init(&b, FIX(64, 65)); __syncthreads(); arrive(&b); wait(&b, 0); o[threadIdx.x] = 1; }
KERNEL wrong_parity(float *o) { __shared__ uint64_t b; if (threadIdx.x == 0) init(&b, 64); __syncthreads(); arrive(&b); wait(&b, 0); arrive(&b); wait(&b, 1); arrive(&b); wait(&b, 0); wait(&b, FIX(0, 1)); o[threadIdx.x] = 1; }
KERNEL wrong_bytes(const float *a, float *o) { __shared__ __align__(16) float s[64]; __shared__ uint64_t b; if (threadIdx.x == 0) { init(&b, 1); fence(); expect(&b, FIX(256, 272)); bulk(s, a, 256, &b); } __syncthreads(); wait(&b, 0); o[threadIdx.x] = s[threadIdx.x]; }
KERNEL missing_bulk_wait(const float *a, float *o) { __shared__ __align__(16) float s[64]; __shared__ uint64_t b; if (threadIdx.x == 0) { init(&b, 1); fence(); expect(&b, 256); bulk(s, a, 256, &b); } __syncthreads(); FIX(wait(&b, 0);, ) o[threadIdx.x] = s[threadIdx.x]; wait(&b, 0); }
KERNEL missing_init_sync(float *o) { __shared__ uint64_t b; if (threadIdx.x == 0) init(&b, 64); FIX(__syncthreads();, ) arrive(&b); wait(&b, 0); o[threadIdx.x] = 1; }
KERNEL missing_proxy_fence(const float *a, float *o) {
  __shared__ __align__(16) float s[64];
  s[threadIdx.x] = a[threadIdx.x];
  FIX(fence();, )
  __syncthreads();
  if (threadIdx.x == 0) asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 256;\ncp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::"l"(o), "r"(smem(s)) : "memory");
}
KERNEL unwaited_store(const float *a, float *o) {
  __shared__ __align__(16) float s[64];
  s[threadIdx.x] = a[threadIdx.x];
  fence();
  __syncthreads();
  if (threadIdx.x == 0) { asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 256;\ncp.async.bulk.commit_group;" ::"l"(o), "r"(smem(s)) : "memory"); FIX(asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");, ) }
}
KERNEL unwaited_load(const float *a, float *o) {
  __shared__ __align__(16) float s[64];
  __shared__ uint64_t b;
  if (threadIdx.x == 0) { init(&b, 1); fence(); expect(&b, 256); bulk(s, a, 256, &b); }
  __syncthreads();
  o[threadIdx.x] = 1;
  FIX(wait(&b, 0);, )
}
template <int Kind> __device__ void product(const uint4 *a, float *o) { // 0 good, 1 no fence, 2 no wait, 3 no proxy fence, 4 overwritten too early
  __shared__ __align__(1024) uint4 s[512 + 64];
  for (int k = threadIdx.x; k < 128; k += 128) s[k] = a[k];
  for (int k = threadIdx.x; k < 16; k += 128) s[512 + k] = a[k];
  if (Kind != 3) fence();
  __syncthreads();
  float d[4];
  for (int k = 0; k < 4; ++k) { d[k] = 0; asm volatile("" : "+f"(d[k])::"memory"); }
  uint64_t da = (uint64_t)(128 >> 4) << 32 | (uint64_t)(1024 >> 4) << 16 | smem(s) >> 4, db = (uint64_t)(128 >> 4) << 32 | (uint64_t)(128 >> 4) << 16 | smem(s + 512) >> 4;
  if (Kind != 1) asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  asm volatile("wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%0,%1,%2,%3}, %4, %5, 1, 1, 1, 0, 0;" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "l"(da), "l"(db) : "memory");
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  if (Kind == 4) s[threadIdx.x] = make_uint4(0, 0, 0, 0);
  if (Kind != 2) asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  for (int k = 0; k < 4; ++k) o[threadIdx.x * 4 + k] = d[k] + 1;
}
#ifdef WGMMA
KERNEL missing_wgmma_fence(const uint4 *a, float *o) { product<FIX(0, 1)>(a, o); }
KERNEL missing_wgmma_wait(const uint4 *a, float *o) { product<FIX(0, 2)>(a, o); }
KERNEL missing_wgmma_proxy_fence(const uint4 *a, float *o) { product<FIX(0, 3)>(a, o); }
KERNEL overwritten_wgmma_tile(const uint4 *a, float *o) { product<FIX(0, 4)>(a, o); }
#endif
#endif
