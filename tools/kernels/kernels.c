// Kernels of tools/bench. Rebuild kernels.wasm with:
//   python -m ziglang cc -target wasm32-freestanding -O2 -nostdlib -Wl,--no-entry \
//     -Wl,--export-dynamic -Wl,--strip-all -o kernels.wasm kernels.c
// Each takes a size and gives a checksum, so that every engine can be checked against another.
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name))) int32_t name

static uint8_t bytes[1 << 16];
static uint32_t words[1 << 14];
static double a[32 * 32], b[32 * 32], c[32 * 32];

EXPORT(fib)(int32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

EXPORT(sieve)(int32_t n) {
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) bytes[i] = 1;
  for (int32_t i = 2; i < n; i++) {
    if (!bytes[i]) continue;
    count++;
    for (int32_t k = i + i; k < n; k += i) bytes[k] = 0;
  }
  return count;
}

EXPORT(matmul)(int32_t n) {
  for (int32_t i = 0; i < n * n; i++) a[i] = i % 7, b[i] = i % 5;
  for (int32_t i = 0; i < n; i++)
    for (int32_t k = 0; k < n; k++) {
      double sum = 0;
      for (int32_t j = 0; j < n; j++) sum += a[i * n + j] * b[j * n + k];
      c[i * n + k] = sum;
    }
  double trace = 0;
  for (int32_t i = 0; i < n; i++) trace += c[i * n + i];
  return (int32_t)trace;
}

EXPORT(crc32)(int32_t n) {
  for (int32_t i = 0; i < n; i++) bytes[i] = (uint8_t)(i * 31);
  uint32_t crc = ~0u;
  for (int32_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    for (int32_t k = 0; k < 8; k++) crc = (crc >> 1) ^ (0xEDB88320u & -(crc & 1));
  }
  return (int32_t)~crc;
}

static void quicksort(int32_t low, int32_t high) {
  while (low < high) {
    uint32_t pivot = words[(low + high) >> 1];
    int32_t i = low, k = high;
    while (i <= k) {
      while (words[i] < pivot) i++;
      while (words[k] > pivot) k--;
      if (i <= k) {
        uint32_t kept = words[i];
        words[i++] = words[k];
        words[k--] = kept;
      }
    }
    quicksort(low, k);
    low = i;
  }
}

EXPORT(sort)(int32_t n) {
  uint32_t x = 1;
  for (int32_t i = 0; i < n; i++) words[i] = x = x * 1664525u + 1013904223u;
  quicksort(0, n - 1);
  uint32_t sum = 0;
  for (int32_t i = 0; i < n; i++) sum = sum * 31 + words[i];
  return (int32_t)sum;
}

static int32_t add(int32_t x, int32_t y) { return x + y; }
static int32_t sub(int32_t x, int32_t y) { return x - y; }
static int32_t xor(int32_t x, int32_t y) { return x ^ y; }
static int32_t (*volatile const operations[4])(int32_t, int32_t) = {add, sub, xor, add};

EXPORT(dispatch)(int32_t n) {
  int32_t x = 1;
  for (int32_t i = 0; i < n; i++) x = operations[x & 3](x, i);
  return x;
}

EXPORT(hash64)(int32_t n) {
  uint64_t h = 1469598103934665603u;
  for (int32_t i = 0; i < n; i++) {
    h = (h ^ (uint64_t)i) * 1099511628211u;
    h ^= h >> 29;
  }
  return (int32_t)(h ^ h >> 32);
}
