// Matrix instructions and asynchronous copies.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>
#define KERNEL extern "C" __global__ void
__device__ uint32_t smem(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }
// One warp's product of the fragments that the lanes' registers hold.
#define MMA(name, shape, regsA, regsB, types)                                                  \
  KERNEL name(const uint32_t *a, const uint32_t *b, const float *c, float *d) {                \
    int l = threadIdx.x; uint32_t x[4] = {}, y[2] = {}; float r[4], s[4];                      \
    for (int k = 0; k < regsA; ++k) x[k] = a[k * 32 + l];                                      \
    for (int k = 0; k < regsB; ++k) y[k] = b[k * 32 + l];                                      \
    for (int k = 0; k < 4; ++k) s[k] = c[k * 32 + l];                                          \
    BODY_##regsA(shape, types)                                                                 \
    for (int k = 0; k < 4; ++k) d[k * 32 + l] = r[k];                                          \
  }
#define BODY_4(shape, types) asm("mma.sync.aligned." shape ".row.col." types " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};" \
  : "=f"(r[0]), "=f"(r[1]), "=f"(r[2]), "=f"(r[3]) : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "f"(s[0]), "f"(s[1]), "f"(s[2]), "f"(s[3]));
#define BODY_2(shape, types) asm("mma.sync.aligned." shape ".row.col." types " {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%8,%9,%10};" \
  : "=f"(r[0]), "=f"(r[1]), "=f"(r[2]), "=f"(r[3]) : "r"(x[0]), "r"(x[1]), "r"(y[0]), "f"(s[0]), "f"(s[1]), "f"(s[2]), "f"(s[3]));
MMA(mma_f16, "m16n8k16", 4, 2, "f32.f16.f16.f32")
MMA(mma_bf16, "m16n8k16", 4, 2, "f32.bf16.bf16.f32")
MMA(mma_tf32, "m16n8k8", 4, 2, "f32.tf32.tf32.f32")
MMA(mma_f16_k8, "m16n8k8", 2, 1, "f32.f16.f16.f32")
MMA(mma_tf32_k4, "m16n8k4", 2, 1, "f32.tf32.tf32.f32")
KERNEL mma_half(const uint32_t *a, const uint32_t *b, const uint32_t *c, uint32_t *d) {
  int l = threadIdx.x; uint32_t r[2];
  asm("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%8,%9};" : "=r"(r[0]), "=r"(r[1])
      : "r"(a[l]), "r"(a[32 + l]), "r"(a[64 + l]), "r"(a[96 + l]), "r"(b[l]), "r"(b[32 + l]), "r"(c[l]), "r"(c[32 + l]));
  d[l] = r[0]; d[32 + l] = r[1];
}
// The usual tile: cp.async, ldmatrix, mma. M, N, K multiples of 64, 64, 32; C = A B, row by row.
#ifndef WAIT
#define WAIT 1
#endif
KERNEL gemm_cp_async(const __half *a, const __half *b, float *c, int m, int n, int k) {
  __shared__ __align__(16) __half sa[2][64][40], sb[2][32][72];
  int t = threadIdx.x, w = t / 32, l = t & 31, row = blockIdx.y * 64, col = blockIdx.x * 64;
  float acc[8][4] = {};
  auto load = [&](int stage, int k0) {
    for (int i = t; i < 256; i += 128) {
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(smem(&sa[stage][i / 4][i % 4 * 8])), "l"(a + (row + i / 4) * k + k0 + i % 4 * 8));
      asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(smem(&sb[stage][i / 8][i % 8 * 8])), "l"(b + (k0 + i / 8) * n + col + i % 8 * 8));
    }
    asm volatile("cp.async.commit_group;");
  };
  load(0, 0);
  for (int k0 = 0, s = 0; k0 < k; k0 += 32, s ^= 1) {
    if (k0 + 32 < k) { load(s ^ 1, k0 + 32); if (WAIT) asm volatile("cp.async.wait_group 1;" ::: "memory"); }
    else if (WAIT) asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
    for (int kk = 0; kk < 32; kk += 16) {
      uint32_t x[4], y[2];
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(smem(&sa[s][w * 16 + l % 16][kk + l / 16 * 8])) : "memory");
      for (int j = 0; j < 8; ++j) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(y[0]), "=r"(y[1]) : "r"(smem(&sb[s][kk + l % 16][j * 8])) : "memory");
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
          : "+f"(acc[j][0]), "+f"(acc[j][1]), "+f"(acc[j][2]), "+f"(acc[j][3]) : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
      }
    }
    __syncthreads();
  }
  for (int j = 0; j < 8; ++j)
    for (int e = 0; e < 4; ++e) c[(row + w * 16 + l / 4 + e / 2 * 8) * n + col + j * 8 + l % 4 * 2 + e % 2] = acc[j][e];
}
KERNEL matrix_moves(const uint32_t *a, uint32_t *o) { // stmatrix needs sm_90
  __shared__ __align__(16) uint32_t s[128];
  int l = threadIdx.x; uint32_t r;
  for (int k = 0; k < 4; ++k) s[k * 32 + l] = a[k * 32 + l];
  __syncwarp();
  uint32_t x[4];
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(smem(s + 4 * l)) : "memory");
  for (int k = 0; k < 4; ++k) o[k * 32 + l] = x[k];
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r) : "r"(smem(s + 4 * (l & 7))) : "memory");
  o[128 + l] = r;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(r) : "r"(x[0]));
  o[160 + l] = r;
#if __CUDA_ARCH__ >= 900
  __syncwarp();
  asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1,%2};" ::"r"(smem(s + 4 * (l & 15))), "r"(x[2]), "r"(x[3]) : "memory");
  __syncwarp();
  o[192 + l] = s[l]; o[224 + l] = s[32 + l];
#endif
}
KERNEL zero_fill(const float *a, float *o, int n) { // the last vector is partly filled
  __shared__ __align__(16) float s[128];
  int left = n - 4 * (int)threadIdx.x, size = left >= 4 ? 16 : left > 0 ? 4 * left : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(smem(s + 4 * threadIdx.x)), "l"(a + 4 * threadIdx.x), "r"(size));
  asm volatile("cp.async.wait_all;" ::: "memory");
  __syncthreads();
  for (int k = threadIdx.x; k < 128; k += 32) o[k] = s[k];
}
#if __CUDA_ARCH__ >= 900
__device__ void init(uint64_t *b, int n) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(smem(b)), "r"(n) : "memory"); }
__device__ void wait(uint64_t *b, int parity) {
  asm volatile("{\n.reg .pred p;\nL: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@p bra D;\nbra L;\nD:\n}" ::"r"(smem(b)), "r"(parity) : "memory");
}
__device__ void arrive(uint64_t *b) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(smem(b)) : "memory"); }
__device__ void expect(uint64_t *b, int n) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(smem(b)), "r"(n) : "memory"); }
__device__ void fence() { asm volatile("fence.proxy.async;" ::: "memory"); }
// Warp 0 produces, warps 1 and 2 consume, over a ring of two stages.
KERNEL pipeline(const float *a, float *o, int tiles) {
  __shared__ __align__(128) float s[2][128]; __shared__ uint64_t full[2], empty[2];
  if (threadIdx.x == 0) { for (int k = 0; k < 2; ++k) { init(full + k, 1); init(empty + k, 64); } asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
  __syncthreads();
  if (threadIdx.x < 32) {
    if (threadIdx.x == 0) for (int i = 0; i < tiles; ++i) {
      int k = i & 1;
      if (i >= 2) wait(empty + k, (i / 2 - 1) & 1);
      expect(full + k, 512);
      asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(smem(s[k])), "l"(a + i * 128), "r"(512), "r"(smem(full + k)) : "memory");
    }
  } else {
    int t = threadIdx.x - 32; float sum = 0;
    for (int i = 0; i < tiles; ++i) { int k = i & 1; wait(full + k, i / 2 & 1); sum += s[k][t] * s[k][t + 64]; arrive(empty + k); }
    o[t] = sum;
  }
}
KERNEL cp_async_barrier(const float *a, float *o) { // copies that arrive on an mbarrier
  __shared__ __align__(16) float s[256]; __shared__ uint64_t b;
  if (threadIdx.x == 0) init(&b, 64);
  __syncthreads();
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(smem(s + 4 * threadIdx.x)), "l"(a + 4 * threadIdx.x));
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(smem(&b)) : "memory");
  wait(&b, 0);
  for (int k = 0; k < 4; ++k) o[k * 64 + threadIdx.x] = s[255 - k * 64 - threadIdx.x];
}
// A box in by TMA, out by TMA at another place.
struct alignas(64) Map { uint64_t opaque[16]; };
KERNEL tma(const __grid_constant__ Map in, const __grid_constant__ Map out, uint8_t *raw, int x, int y, int bytes, int ox, int oy) {
  extern __shared__ __align__(1024) uint8_t s[]; __shared__ uint64_t b;
  if (threadIdx.x == 0) { init(&b, 1); fence(); }
  __syncthreads();
  if (threadIdx.x == 0) {
    expect(&b, bytes);
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(smem(s)), "l"(&in), "r"(x), "r"(y), "r"(smem(&b)) : "memory");
  }
  wait(&b, 0);
  for (int k = threadIdx.x; k < bytes; k += blockDim.x) raw[k] = s[k];
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&out), "r"(ox), "r"(oy), "r"(smem(s)) : "memory");
    asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
  }
}
KERNEL tma3_reduce(const __grid_constant__ Map in, const __grid_constant__ Map out, int x, int y, int z, int bytes) {
  extern __shared__ __align__(1024) uint8_t s[]; __shared__ uint64_t b;
  if (threadIdx.x == 0) {
    init(&b, 1); fence(); expect(&b, bytes);
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(smem(s)), "l"(&in), "r"(x), "r"(y), "r"(z), "r"(smem(&b)) : "memory");
    wait(&b, 0);
    asm volatile("cp.reduce.async.bulk.tensor.3d.global.shared::cta.add.bulk_group [%0, {%1, %2, %3}], [%4];" ::"l"(&out), "r"(x), "r"(y), "r"(z), "r"(smem(s)) : "memory");
    asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group.read 0;" ::: "memory");
  }
}
KERNEL bulk_store(const float *a, float *o) { // written by ordinary stores, copied out in bulk
  __shared__ __align__(16) float s[128];
  s[threadIdx.x] = 2 * a[threadIdx.x];
  fence();
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 512;" ::"l"(o), "r"(smem(s)) : "memory");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], 512;" ::"l"(o + 128), "r"(smem(s)) : "memory");
    asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
  }
}
#endif
// wgmma m64n32k64 with A [64][64] and B, AMAJOR and BMAJOR 0 for K contiguous. The tiles are laid
// out by the host, index by index; mode says the swizzle.
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
template <int AMAJOR, int BMAJOR>
__device__ void product(const uint4 *a, const uint4 *b, float *c, uint64_t mode, int stepA, int stepB, int leadA, int strideA, int leadB, int strideB) {
  extern __shared__ __align__(1024) uint8_t s[];
  uint8_t *sa = s, *sb = s + 8192;
  for (int k = threadIdx.x; k < 512; k += 128) ((uint4 *)sa)[k] = a[k];
  for (int k = threadIdx.x; k < 256; k += 128) ((uint4 *)sb)[k] = b[k];
  fence();
  __syncthreads();
  float d[16];
  for (int k = 0; k < 16; ++k) { d[k] = 0; asm volatile("" : "+f"(d[k])::"memory"); } // written before the fence
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  for (int k = 0; k < 4; ++k) {
    uint64_t da = mode << 62 | (uint64_t)(strideA >> 4) << 32 | (uint64_t)(leadA >> 4) << 16 | ((smem(sa) + k * stepA) >> 4);
    uint64_t db = mode << 62 | (uint64_t)(strideB >> 4) << 32 | (uint64_t)(leadB >> 4) << 16 | ((smem(sb) + k * stepB) >> 4);
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %18, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, %16, %17, p, 1, 1, %19, %20;\n}"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
      : "l"(da), "l"(db), "r"(k), "n"(AMAJOR), "n"(BMAJOR));
  }
  asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
  int w = threadIdx.x / 32, l = threadIdx.x & 31;
  for (int k = 0; k < 16; ++k) c[(w * 16 + l / 4 + k / 2 % 2 * 8) * 32 + k / 4 * 8 + l % 4 * 2 + k % 2] = d[k];
}
#define OPERANDS const uint4 *a, const uint4 *b, float *c, uint64_t mode, int stepA, int stepB, int leadA, int strideA, int leadB, int strideB
KERNEL wgmma_00(OPERANDS) { product<0, 0>(a, b, c, mode, stepA, stepB, leadA, strideA, leadB, strideB); }
KERNEL wgmma_01(OPERANDS) { product<0, 1>(a, b, c, mode, stepA, stepB, leadA, strideA, leadB, strideB); }
KERNEL wgmma_10(OPERANDS) { product<1, 0>(a, b, c, mode, stepA, stepB, leadA, strideA, leadB, strideB); }
KERNEL wgmma_11(OPERANDS) { product<1, 1>(a, b, c, mode, stepA, stepB, leadA, strideA, leadB, strideB); }
KERNEL wgmma_registers(const __half *a, const uint4 *b, float *c, uint64_t mode, int stepB, int leadB, int strideB) {
  extern __shared__ __align__(1024) uint8_t s[];
  for (int k = threadIdx.x; k < 256; k += 128) ((uint4 *)s)[k] = b[k];
  fence();
  __syncthreads();
  float d[16]; uint32_t x[4][4];
  int w = threadIdx.x / 32, l = threadIdx.x & 31;
  for (int k = 0; k < 16; ++k) { d[k] = 0; asm volatile("" : "+f"(d[k])::"memory"); } // written before the fence
  for (int k = 0; k < 4; ++k)
    for (int r = 0; r < 4; ++r) x[k][r] = *(const uint32_t *)(a + (w * 16 + l / 4 + r % 2 * 8) * 64 + k * 16 + r / 2 * 8 + l % 4 * 2);
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    uint64_t db = mode << 62 | (uint64_t)(strideB >> 4) << 32 | (uint64_t)(leadB >> 4) << 16 | ((smem(s) + k * stepB) >> 4);
    asm volatile("wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, {%16,%17,%18,%19}, %20, 1, 1, 1, %21;\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
      : "r"(x[k][0]), "r"(x[k][1]), "r"(x[k][2]), "r"(x[k][3]), "l"(db), "n"(0));
  }
  asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
  for (int k = 0; k < 16; ++k) c[(w * 16 + l / 4 + k / 2 % 2 * 8) * 32 + k / 4 * 8 + l % 4 * 2 + k % 2] = d[k];
}
#endif
