// Divergence, calls, memory spaces, what lanes and warps do together.
#include <stdint.h>
#define KERNEL extern "C" __global__ void
#define TID (blockIdx.x * blockDim.x + threadIdx.x)
KERNEL nested(const int *a, int *o, int n) { // divergence three deep
  int i = TID;
  if (i >= n) return;
  int x = a[i], r = 0;
  if (x & 1) {
    if (x & 2) { if (x & 4) r = 7; else r = x * 3; } else { for (int k = 0; k < (x & 7); ++k) r += k * x; }
    r += 1;
  } else if (x % 3 == 0) { while (x > 10) { x /= 2; if (x % 5 == 0) break; ++r; } r = r * 100 + x; }
  else { switch (x & 15) { case 2: r = 22; break; case 4: r = 44; break; case 8: r = 88; break; case 10: r = 1010; break; case 14: r = -14; break; default: r = -1; } }
  o[i] = r;
}
KERNEL collatz(const int *a, int *o, int n) {
  int i = TID;
  if (i >= n) return;
  unsigned x = a[i]; int s = 0;
  while (x != 1 && s < 1000) { x = x & 1 ? 3 * x + 1 : x / 2; ++s; }
  o[i] = s;
}
__device__ __noinline__ int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
KERNEL recursion(const int *a, int *o, int n) { int i = TID; if (i < n) o[i] = fib(a[i] & 7); }
struct Pair { int x; float y; double z; };
__device__ __noinline__ Pair twist(Pair p, int k) { Pair q; q.x = p.x * k; q.y = p.y + k; q.z = p.z - k; return q; }
KERNEL structs(const int *a, double *o, int n) { int i = TID; if (i < n) { Pair p{a[i], a[i] * .5f, a[i] * .25}; if (a[i] & 1) p = twist(p, 3); o[i] = p.x + p.y + p.z; } }
typedef int (*Fn)(int);
__device__ __noinline__ int twice(int x) { return 2 * x; }
__device__ __noinline__ int square(int x) { return x * x; }
__device__ Fn table[2] = {twice, square};
KERNEL pointers(const int *a, int *o, int n, int which) { int i = TID; if (i < n) o[i] = table[which](a[i]); }
__constant__ float weights[8] = {1, 2, 3, 4, 5, 6, 7, 8};
__device__ int globalArray[4] = {10, 20, 30, 40};
KERNEL spaces(const int *a, float *o, int n) { int i = TID; if (i < n) o[i] = weights[a[i] & 7] + globalArray[a[i] & 3]; }
KERNEL local_array(const int *a, int *o, int n) { int i = TID; int v[16]; for (int k = 0; k < 16; ++k) v[(k * 7 + a[i < n ? i : 0]) & 15] = k; if (i < n) o[i] = v[a[i] & 15] * 100 + v[(a[i] >> 4) & 15]; }
KERNEL vectors(const float4 *a, float4 *o, const short2 *s, int *q, int n) { int i = TID; if (i < n) { float4 v = a[i]; o[i] = make_float4(v.w, v.z, v.y, v.x); short2 t = s[i]; q[i] = t.x * t.y; } }
KERNEL bytes(const uint8_t *a, int8_t *o, int n) { int i = TID; if (i < n) o[i] = (int8_t)a[n - 1 - i] >> 1; }
KERNEL transpose(const float *a, float *o, int n) {
  __shared__ float t[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int k = 0; k < 32; k += 8) t[threadIdx.y + k][threadIdx.x] = a[(y + k) * n + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x; y = blockIdx.x * 32 + threadIdx.y;
  for (int k = 0; k < 32; k += 8) o[(y + k) * n + x] = t[threadIdx.x][threadIdx.y + k];
}
KERNEL block_sum(const float *a, float *o, int n) {
  extern __shared__ float s[];
  float v = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) v += a[i];
  s[threadIdx.x] = v;
  for (int k = blockDim.x / 2; k; k /= 2) { __syncthreads(); if (threadIdx.x < k) s[threadIdx.x] += s[threadIdx.x + k]; }
  if (threadIdx.x == 0) *o = s[0];
}
KERNEL scan(const int *a, int *o) { // inclusive, 1024 threads
  __shared__ int w[32];
  int v = a[threadIdx.x], l = threadIdx.x & 31;
  for (int d = 1; d < 32; d *= 2) { int u = __shfl_up_sync(~0u, v, d); if (l >= d) v += u; }
  if (l == 31) w[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 32) { int t = w[l]; for (int d = 1; d < 32; d *= 2) { int u = __shfl_up_sync(~0u, t, d); if (l >= d) t += u; } w[l] = t; }
  __syncthreads();
  o[threadIdx.x] = v + (threadIdx.x >= 32 ? w[threadIdx.x / 32 - 1] : 0);
}
KERNEL histogram(const uint8_t *a, unsigned *o, int n) {
  __shared__ unsigned h[256];
  for (int k = threadIdx.x; k < 256; k += blockDim.x) h[k] = 0;
  __syncthreads();
  for (int i = TID; i < n; i += gridDim.x * blockDim.x) atomicAdd(&h[a[i]], 1);
  __syncthreads();
  for (int k = threadIdx.x; k < 256; k += blockDim.x) atomicAdd(&o[k], h[k]);
}
KERNEL atomics(const int *a, int *o, unsigned *u, float *f, unsigned long long *l, int n) {
  int i = TID;
  if (i >= n) return;
  atomicAdd(o, a[i]); atomicMin(o + 1, a[i]); atomicMax(o + 2, a[i]); atomicAnd(o + 3, a[i]); atomicOr(o + 4, a[i]); atomicXor(o + 5, a[i]);
  atomicInc(u, 100); atomicDec(u + 1, 50); atomicAdd(f, 1.0f); atomicAdd(l, (unsigned long long)a[i]); atomicMax(l + 1, (unsigned long long)(unsigned)a[i]);
  int old = *(volatile int *)(o + 6), seen; do { seen = old; old = atomicCAS(o + 6, seen, seen + 2); } while (old != seen);
}
KERNEL last_block(const float *a, float *part, unsigned *count, float *o, int n) { // split sum, last block adds
  __shared__ float s[128]; __shared__ bool last;
  float v = 0;
  for (int i = TID; i < n; i += gridDim.x * blockDim.x) v += a[i];
  s[threadIdx.x] = v;
  for (int k = 64; k; k /= 2) { __syncthreads(); if (threadIdx.x < k) s[threadIdx.x] += s[threadIdx.x + k]; }
  if (threadIdx.x == 0) { part[blockIdx.x] = s[0]; __threadfence(); last = atomicAdd(count, 1) == gridDim.x - 1; }
  __syncthreads();
  if (last && threadIdx.x == 0) { __threadfence(); float t = 0; for (int b = 0; b < gridDim.x; ++b) t += part[b]; *o = t; }
}
KERNEL spin(volatile int *flag, int *o) { // block 0 waits for the last block
  if (threadIdx.x) return;
  if (blockIdx.x == gridDim.x - 1) { *o = 42; __threadfence(); *flag = 1; }
  else if (blockIdx.x == 0) { while (!*flag) __nanosleep(20); __threadfence(); o[1] = o[0] + 1; }
}
KERNEL locks(int *lock, int *o) { // lanes of one warp take turns
  bool done = false;
  while (!done) if (atomicCAS(lock, 0, 1) == 0) { __threadfence(); *o = *(volatile int *)o * 3 + 1; __threadfence(); atomicExch(lock, 0); done = true; }
}
KERNEL shuffles(const int *a, int *o) {
  int l = threadIdx.x, v = a[l];
  o[l] = __shfl_sync(~0u, v, (l * 7 + 3) & 31); o[32 + l] = __shfl_up_sync(~0u, v, 5); o[64 + l] = __shfl_down_sync(~0u, v, 9);
  o[96 + l] = __shfl_xor_sync(~0u, v, 13); o[128 + l] = __shfl_sync(~0u, v, l + 1, 8); o[160 + l] = __shfl_down_sync(~0u, v, 3, 16);
}
KERNEL votes(const int *a, unsigned *o) {
  int l = threadIdx.x, v = a[l];
  o[l] = __ballot_sync(~0u, v > 0); o[32 + l] = __all_sync(~0u, v > -100); o[64 + l] = __any_sync(~0u, v == 5);
  if (v & 1) o[96 + l] = __ballot_sync(__activemask(), v > 3); else o[96 + l] = __popc(__activemask());
  o[128 + l] = __match_any_sync(~0u, v & 3); int p; o[160 + l] = __match_all_sync(~0u, l / 64, &p) + p;
  unsigned m; asm("mov.u32 %0, %%lanemask_lt;" : "=r"(m)); o[192 + l] = m;
}
#if __CUDA_ARCH__ >= 800
KERNEL redux(const int *a, int *o) {
  int l = threadIdx.x, v = a[l];
  o[l] = __reduce_add_sync(~0u, v); o[32 + l] = __reduce_min_sync(~0u, v); o[64 + l] = __reduce_max_sync(~0u, v);
  o[96 + l] = __reduce_and_sync(~0u, (unsigned)v); o[128 + l] = __reduce_or_sync(~0u, (unsigned)v); o[160 + l] = __reduce_xor_sync(~0u, (unsigned)v);
}
#endif
KERNEL bar_red(const int *a, int *o) { int v = a[threadIdx.x]; o[threadIdx.x] = __syncthreads_count(v > 0); o[blockDim.x + threadIdx.x] = __syncthreads_and(v > -1000) * 2 + __syncthreads_or(v == 12345); }
KERNEL named(int *o) { // half of the warps hand over to the other half
  __shared__ int s[64];
  int t = threadIdx.x;
  if (t < 64) { s[t] = t * t; asm volatile("bar.arrive 1, 128;" ::: "memory"); }
  else { asm volatile("bar.sync 1, 128;" ::: "memory"); o[t - 64] = s[127 - t]; }
}
KERNEL late_meeting(const int *a, int *o) { // a shuffle that both sides of a branch come to
  int l = threadIdx.x, v = a[l];
  if (l & 1) v *= 2; else v += 100;
  __syncwarp();
  o[l] = __shfl_xor_sync(~0u, v, 1);
  if (l < 20) { __syncwarp(0xfffff); v = l; } 
  __syncwarp();
  o[32 + l] = __popc(__activemask()) + v;
}
KERNEL grid3(int *o) { int b = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z), t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); o[b * blockDim.x * blockDim.y * blockDim.z + t] = b * 1000 + t; }
KERNEL early_exit(const int *a, int *o) { // lanes leave before a barrier
  __shared__ int s[64];
  s[threadIdx.x] = 0;
  if (a[threadIdx.x] < 0) return;
  s[threadIdx.x] = a[threadIdx.x];
  __syncthreads();
  o[threadIdx.x] = s[threadIdx.x ^ 1];
}
