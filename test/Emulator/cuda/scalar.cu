// Arithmetic, bits, conversions: one thread an element.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>
#define AT int i = blockIdx.x * blockDim.x + threadIdx.x
#define KERNEL extern "C" __global__ void
KERNEL int_ops(const int *a, const int *b, int *o, int n) {
  AT;
  if (i >= n) return;
  int x = a[i], y = b[i];
  o[i] = x + y; o[n + i] = x - y; o[2 * n + i] = x * y; o[3 * n + i] = y ? x / y : -1;
  o[4 * n + i] = y ? x % y : x; o[5 * n + i] = min(x, y); o[6 * n + i] = max(x, y);
  o[7 * n + i] = abs(x); o[8 * n + i] = __mulhi(x, y); o[9 * n + i] = x >> (y & 31);
  o[10 * n + i] = x & y; o[11 * n + i] = (x ^ y) | (x & ~y);
}
KERNEL uint_ops(const uint32_t *a, const uint32_t *b, uint32_t *o, int n) {
  AT;
  if (i >= n) return;
  uint32_t x = a[i], y = b[i];
  o[i] = y ? x / y : ~0u; o[n + i] = y ? x % y : x; o[2 * n + i] = __umulhi(x, y);
  o[3 * n + i] = x << (y & 31); o[4 * n + i] = x >> (y & 31); o[5 * n + i] = __popc(x);
  o[6 * n + i] = __clz(x); o[7 * n + i] = __brev(x); o[8 * n + i] = __byte_perm(x, y, 0x7531);
  o[9 * n + i] = __funnelshift_l(x, y, y & 31); o[10 * n + i] = __ffs(x);
  o[11 * n + i] = __usad(x, y, 7u); o[12 * n + i] = __dp4a(x, y, 5u);
}
KERNEL long_ops(const int64_t *a, const int64_t *b, int64_t *o, int n) {
  AT;
  if (i >= n) return;
  int64_t x = a[i], y = b[i];
  o[i] = x + y; o[n + i] = x * y; o[2 * n + i] = y ? x / y : -1; o[3 * n + i] = __mul64hi(x, y);
  o[4 * n + i] = x << (y & 63); o[5 * n + i] = __popcll(x); o[6 * n + i] = __clzll(x);
  o[7 * n + i] = x < y ? x : y; o[8 * n + i] = (int64_t)(int)x * (int)y;
}
KERNEL wide_carry(const unsigned __int128 *a, const unsigned __int128 *b, unsigned __int128 *o, int n) {
  AT;
  if (i < n) { o[i] = a[i] + b[i]; o[n + i] = a[i] - b[i]; o[2 * n + i] = a[i] * b[i]; }
}
KERNEL short_ops(const int16_t *a, const int16_t *b, int16_t *o, int n) {
  AT;
  if (i < n) { o[i] = a[i] * b[i]; o[n + i] = a[i] + b[i]; o[2 * n + i] = a[i] < b[i] ? a[i] : b[i]; o[3*n+i] = (int8_t)a[i]; }
}
KERNEL bit_fields(const uint32_t *a, const uint32_t *b, uint32_t *o, int n) {
  AT;
  if (i >= n) return;
  uint32_t x = a[i], p = b[i] & 31, l = b[i] >> 8 & 31, r;
  asm("bfe.u32 %0, %1, %2, %3;" : "=r"(r) : "r"(x), "r"(p), "r"(l)); o[i] = r;
  asm("bfe.s32 %0, %1, %2, %3;" : "=r"(r) : "r"(x), "r"(p), "r"(l)); o[n + i] = r;
  asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(r) : "r"(x), "r"(b[i]), "r"(p), "r"(l)); o[2 * n + i] = r;
  asm("lop3.b32 %0, %1, %2, %3, 0xca;" : "=r"(r) : "r"(x), "r"(b[i]), "r"(x * 7)); o[3 * n + i] = r;
  asm("bfind.u32 %0, %1;" : "=r"(r) : "r"(x)); o[4 * n + i] = r;
  asm("shf.r.clamp.b32 %0, %1, %2, %3;" : "=r"(r) : "r"(x), "r"(b[i]), "r"(p)); o[5 * n + i] = r;
}
KERNEL float_ops(const float *a, const float *b, float *o, int n) {
  AT;
  if (i >= n) return;
  float x = a[i], y = b[i];
  o[i] = x + y; o[n + i] = __fmul_rn(x, y); o[2 * n + i] = x / y; o[3 * n + i] = fmaf(x, y, x);
  o[4 * n + i] = sqrtf(fabsf(x)); o[5 * n + i] = fminf(x, y); o[6 * n + i] = fmaxf(x, y);
  o[7 * n + i] = floorf(x); o[8 * n + i] = rintf(x); o[9 * n + i] = truncf(x); o[10 * n + i] = 1.0f / x;
  o[11 * n + i] = copysignf(x, y);
}
KERNEL float_rounding(const float *a, const float *b, float *o, int n) {
  AT;
  if (i >= n) return;
  float x = a[i], y = b[i];
  o[i] = __fadd_rz(x, y); o[n + i] = __fadd_ru(x, y); o[2 * n + i] = __fadd_rd(x, y);
  o[3 * n + i] = __fmul_rz(x, y); o[4 * n + i] = __fmul_ru(x, y); o[5 * n + i] = __saturatef(x);
}
KERNEL float_math(const float *a, float *o, int n) {
  AT;
  if (i >= n) return;
  float x = a[i];
  o[i] = expf(x); o[n + i] = logf(fabsf(x)); o[2 * n + i] = sinf(x); o[3 * n + i] = tanhf(x);
  o[4 * n + i] = erff(x); o[5 * n + i] = rsqrtf(fabsf(x)); o[6 * n + i] = powf(fabsf(x), 0.7f);
  o[7 * n + i] = log1pf(fabsf(x)); o[8 * n + i] = __expf(x); o[9 * n + i] = cosf(x); o[10 * n + i] = exp2f(x);
}
KERNEL double_ops(const double *a, const double *b, double *o, int n) {
  AT;
  if (i >= n) return;
  double x = a[i], y = b[i];
  o[i] = x + y; o[n + i] = x * y; o[2 * n + i] = x / y; o[3 * n + i] = fma(x, y, x); o[4 * n + i] = sqrt(fabs(x));
  o[5 * n + i] = exp(x); o[6 * n + i] = fmin(x, y); o[7 * n + i] = rint(x);
}
KERNEL half_ops(const __half *a, const __half *b, __half *o, int n) {
  AT;
  if (i >= n) return;
  __half x = a[i], y = b[i];
  o[i] = __hadd(x, y); o[n + i] = __hmul(x, y); o[2 * n + i] = __hfma(x, y, x); o[3 * n + i] = __hsub(x, y);
  o[4 * n + i] = __hmin(x, y); o[5 * n + i] = __hmax(x, y); o[6 * n + i] = __hneg(x);
}
KERNEL half2_ops(const __half2 *a, const __half2 *b, __half2 *o, int n) {
  AT;
  if (i < n) { o[i] = __hadd2(a[i], b[i]); o[n + i] = __hmul2(a[i], b[i]); o[2 * n + i] = __hfma2(a[i], b[i], b[i]); }
}
KERNEL bf16_ops(const __nv_bfloat16 *a, const __nv_bfloat16 *b, __nv_bfloat16 *o, int n) {
  AT;
  if (i >= n) return;
  __nv_bfloat16 x = a[i], y = b[i];
  o[i] = __hadd(x, y); o[n + i] = __hmul(x, y); o[2 * n + i] = __hfma(x, y, x); o[3 * n + i] = __hsub(x, y);
  o[4 * n + i] = __hmin(x, y); o[5 * n + i] = __hmax(x, y);
}
KERNEL compare(const float *a, const float *b, int *o, int n) {
  AT;
  if (i >= n) return;
  float x = a[i], y = b[i];
  o[i] = (x < y) | (x <= y) << 1 | (x > y) << 2 | (x >= y) << 3 | (x == y) << 4 | (x != y) << 5 |
         !(x < y) << 6 | isnan(x) << 7 | isinf(x) << 8;
}
KERNEL float_to_int(const float *a, int *o, int n) {
  AT;
  if (i < n) { o[i] = __float2int_rz(a[i]); o[n + i] = __float2int_rn(a[i]); o[2 * n + i] = __float2int_rd(a[i]); o[3 * n + i] = __float2int_ru(a[i]); o[4 * n + i] = (int)__float2uint_rz(a[i]); }
}
KERNEL int_to_float(const int *a, float *o, int n) {
  AT;
  if (i < n) { o[i] = (float)a[i]; o[n + i] = (float)(uint32_t)a[i]; o[2 * n + i] = __int2float_rz(a[i]); o[3 * n + i] = (float)(int8_t)a[i]; o[4 * n + i] = (float)((int64_t)a[i] * 1234567); }
}
KERNEL float_to_half(const float *a, __half *o, __nv_bfloat16 *q, int n) {
  AT;
  if (i < n) { o[i] = __float2half_rn(a[i]); o[n + i] = __float2half_rz(a[i]); o[2 * n + i] = __float2half_ru(a[i]); q[i] = __float2bfloat16_rn(a[i]); q[n + i] = __float2bfloat16_rz(a[i]); }
}
KERNEL half_to_float(const __half *a, const __nv_bfloat16 *b, float *o, int n) {
  AT;
  if (i < n) { o[i] = __half2float(a[i]); o[n + i] = __bfloat162float(b[i]); o[2 * n + i] = (float)__half2int_rn(a[i]); }
}
KERNEL pack_pairs(const float *a, const float *b, __half2 *o, __nv_bfloat162 *q, int n) {
  AT;
  if (i < n) { o[i] = __floats2half2_rn(a[i], b[i]); q[i] = __floats2bfloat162_rn(a[i], b[i]); }
}
KERNEL narrow(const int64_t *a, int8_t *o8, uint16_t *o16, int32_t *o32, double *od, int n) {
  AT;
  if (i < n) { o8[i] = (int8_t)a[i]; o16[i] = (uint16_t)a[i]; o32[i] = (int32_t)a[i]; od[i] = (double)a[i]; }
}
// Parts of registers that nothing wrote: what is computed does not depend on them.
KERNEL partly(const uint32_t *none, int *o, int n) {
  AT;
  if (i >= n) return;
  uint32_t v = none[i], w = (v & 0xffff0000u) | (i & 0x7f) | (i & 0x3f) << 8;
  o[i] = (int8_t)(w & 0xff) * 3 + (int8_t)(w >> 8 & 0xff);
  o[n + i] = __dp4a((int)__byte_perm(w, 0, 0x1010), 0x01010101, 0);
  __half2 h = __halves2half2(__int2half_rn(i & 15), *((const __half *)&v + 1));
  o[2 * n + i] = (int)__low2float(__hmul2(__hadd2(h, h), h));
  uint64_t wide = ((uint64_t)v << 32 | (uint32_t)i) * 12 + 7;
  o[3 * n + i] = (int)(wide & 0xffff);
  union { uint32_t word; uint8_t byte[4]; } u = {w};
  int sum = 0;
  for (int k = 0; k < 4; ++k) sum += k < 2 ? u.byte[k] : 0 * u.byte[k];
  o[4 * n + i] = sum;
  __shared__ uint8_t tile[512];
  tile[4 * threadIdx.x] = i; tile[4 * threadIdx.x + 2] = 2 * i;
  uint32_t both = *(const uint32_t *)(tile + 4 * threadIdx.x);
  o[5 * n + i] = (both & 0xff) + (both >> 16 & 0xff);
  o[6 * n + i] = ((v | 1) != 0) + ((v & 7) < 8 ? 2 : 0);
}
