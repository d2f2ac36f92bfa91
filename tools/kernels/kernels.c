// Kernels of tools/bench: small programs, each of one kind of work. twins.py has the same in Python.
// tools/build-guests makes kernels.wasm. Each takes a size and gives a checksum, so that every engine
// can be checked against another.
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name))) int32_t name

static uint8_t bytes[1 << 16];
static uint32_t words[1 << 14];
static double a[32 * 32], b[32 * 32], c[32 * 32];
static float samples[1 << 12], taps[16];

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

static uint32_t turn(uint32_t x, int by) { return x >> by | x << (32 - by); }

// The first 32 bits of the fractions of the square and cube roots of the first primes (FIPS 180-4).
static const uint32_t sha_start[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                      0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
static const uint32_t sha_keys[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

static void sha_block(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++, block += 4)
    w[i] = (uint32_t)block[0] << 24 | block[1] << 16 | block[2] << 8 | block[3];
  for (int i = 16; i < 64; i++) {
    uint32_t low = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t high = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + low + w[i - 7] + high;
  }
  for (int i = 0; i < 8; i++) s[i] = state[i];
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t high = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25);
    uint32_t first = s[7] + high + choice + sha_keys[i] + w[i];
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t low = turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22);
    for (int k = 7; k > 0; k--) s[k] = s[k - 1];
    s[4] += first;
    s[0] = first + low + majority;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

// SHA-256 of n * 64 - 9 bytes, so that the padding just fills the last block.
EXPORT(sha256)(int32_t n) {
  int32_t size = n * 64;
  uint64_t bits = (uint64_t)(size - 9) * 8;
  for (int32_t i = 0; i < size - 9; i++) bytes[i] = (uint8_t)(i * 7);
  bytes[size - 9] = 0x80;
  for (int32_t i = 1; i <= 8; i++, bits >>= 8) bytes[size - i] = (uint8_t)bits;
  uint32_t state[8];
  for (int i = 0; i < 8; i++) state[i] = sha_start[i];
  for (int32_t i = 0; i < n; i++) sha_block(state, bytes + i * 64);
  return (int32_t)state[0];
}

EXPORT(mandelbrot)(int32_t n) {
  int32_t sum = 0;
  for (int32_t row = 0; row < n; row++)
    for (int32_t column = 0; column < n; column++) {
      double x = 3.0 * column / n - 2.0, y = 2.0 * row / n - 1.0, re = 0, im = 0;
      int32_t steps = 0;
      for (; steps < 50 && re * re + im * im <= 4.0; steps++) {
        double next = re * re - im * im + x;
        im = 2.0 * re * im + y;
        re = next;
      }
      sum += steps;
    }
  return sum;
}

static int32_t put(int32_t at, const char *text) {
  for (; *text; text++) bytes[at++] = (uint8_t)*text;
  return at;
}

static int32_t put_number(int32_t at, int32_t number) {
  if (number >= 10) at = put_number(at, number / 10);
  bytes[at] = (uint8_t)('0' + number % 10);
  return at + 1;
}

// Writes an array of n records as JSON and scans it: numbers, strings and the deepest nesting.
EXPORT(json)(int32_t n) {
  int32_t size = put(0, "[");
  for (int32_t i = 0; i < n; i++) {
    size = put_number(put(size, i ? ",{\"id\": " : "{\"id\": "), i);
    size = put_number(put(size, ", \"name\": \"item \\\"no\\\" "), i * 31);
    size = put(size, "\", \"tags\": [1, 22, [333]]}");
  }
  size = put(size, "]");
  int32_t depth = 0, deepest = 0, sum = 0, letters = 0;
  for (int32_t at = 0; at < size; at++) {
    uint8_t c = bytes[at];
    if (c == '"') {
      for (at++; bytes[at] != '"'; at++) {
        if (bytes[at] == '\\') at++;
        letters++;
      }
    } else if (c >= '0' && c <= '9') {
      int32_t number = c - '0';
      for (; bytes[at + 1] >= '0' && bytes[at + 1] <= '9'; at++)
        number = number * 10 + bytes[at + 1] - '0';
      sum += number;
    } else if (c == '[' || c == '{') {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (c == ']' || c == '}') {
      depth--;
    }
  }
  return sum + letters * 1000 + deepest;
}

// The generator xoshiro256** (Blackman and Vigna, 2018).
EXPORT(xoshiro)(int32_t n) {
  uint64_t s[4] = {1, 2, 3, 4}, sum = 0;
  for (int32_t i = 0; i < n; i++) {
    uint64_t five = s[1] * 5;
    sum ^= (five << 7 | five >> 57) * 9 + (uint64_t)i;
    uint64_t kept = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= kept;
    s[3] = s[3] << 45 | s[3] >> 19;
  }
  return (int32_t)(sum ^ sum >> 32);
}

typedef struct {
  double x, y, z, vx, vy, vz, mass;
} body;

// Five bodies that attract each other.
EXPORT(nbody)(int32_t n) {
  body bodies[5];
  for (int i = 0; i < 5; i++)
    bodies[i] = (body){i * 1.5, i * i * 0.5 - 2, 3 - i, 0.25 * i, 0.5 - 0.125 * i, 0, 1 + i * 0.5};
  for (int32_t step = 0; step < n; step++) {
    for (int i = 0; i < 5; i++)
      for (int k = i + 1; k < 5; k++) {
        body *p = &bodies[i], *q = &bodies[k];
        double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
        double square = dx * dx + dy * dy + dz * dz;
        double pull = 0.001 / (square * __builtin_sqrt(square));
        p->vx -= dx * q->mass * pull;
        p->vy -= dy * q->mass * pull;
        p->vz -= dz * q->mass * pull;
        q->vx += dx * p->mass * pull;
        q->vy += dy * p->mass * pull;
        q->vz += dz * p->mass * pull;
      }
    for (int i = 0; i < 5; i++) {
      bodies[i].x += 0.001 * bodies[i].vx;
      bodies[i].y += 0.001 * bodies[i].vy;
      bodies[i].z += 0.001 * bodies[i].vz;
    }
  }
  double sum = 0;
  for (int i = 0; i < 5; i++) sum += bodies[i].x + bodies[i].y * bodies[i].vz;
  return (int32_t)(sum * 1e6);
}

// Words written, their bytes changed, words read.
EXPORT(buffer)(int32_t n) {
  for (int32_t i = 0; i < n; i++) words[i] = (uint32_t)i * 2654435761u;
  uint8_t *view = (uint8_t *)words, last = 0;
  for (int32_t i = 0; i < n * 4; i++) view[i] = last = (uint8_t)((view[i] ^ last) + 1);
  uint32_t sum = 0;
  for (int32_t i = 0; i < n; i++) sum = (sum << 5 | sum >> 27) ^ words[i];
  return (int32_t)sum;
}

enum { PUSH, LOAD, STORE, ADD, MULTIPLY, XOR, LESS, JUMP_IF, HALT };

// total = 7; for (i = 0; i < n; i++) total = (total * 3 + i) ^ i
static const uint8_t program[] = {PUSH, 7, STORE, 1, PUSH,    0, STORE, 0,        LOAD,  1,   PUSH,
                                  3,    MULTIPLY, LOAD, 0, ADD, LOAD, 0, XOR, STORE, 1, LOAD,
                                  0,    PUSH, 1, ADD, STORE, 0, LOAD, 0, LOAD, 2, LESS,
                                  JUMP_IF, 8, HALT};

// A machine with a stack, in bytecode.
EXPORT(vm)(int32_t n) {
  uint32_t stack[16], variables[3] = {0, 0, (uint32_t)n};
  int32_t top = -1, at = 0;
  for (;;) {
    switch (program[at++]) {
      case PUSH: stack[++top] = program[at++]; break;
      case LOAD: stack[++top] = variables[program[at++]]; break;
      case STORE: variables[program[at++]] = stack[top--]; break;
      case ADD: top--; stack[top] += stack[top + 1]; break;
      case MULTIPLY: top--; stack[top] *= stack[top + 1]; break;
      case XOR: top--; stack[top] ^= stack[top + 1]; break;
      case LESS: top--; stack[top] = stack[top] < stack[top + 1]; break;
      case JUMP_IF: at = stack[top--] ? program[at] : at + 1; break;
      default: return (int32_t)variables[1];
    }
  }
}

// A filter of 16 taps over n samples; all sums are exact in 24 bits, so 64-bit floats give the same.
EXPORT(filter)(int32_t n) {
  for (int32_t i = 0; i < 16; i++) taps[i] = (float)(i - 7) * 0.125f;
  for (int32_t i = 0; i < n; i++) samples[i] = (float)(i * 13 % 29) * 0.25f;
  float peak = 0;
  for (int32_t i = 15; i < n; i++) {
    float sum = 0;
    for (int32_t k = 0; k < 16; k++) sum += samples[i - k] * taps[k];
    peak += sum > 0 ? sum : -sum;
    if (peak > 4096.0f) peak -= 4096.0f;
  }
  return (int32_t)(peak * 32);
}

// The edit distance of two texts of n letters.
EXPORT(levenshtein)(int32_t n) {
  uint8_t *one = bytes, *other = bytes + n;
  for (int32_t i = 0; i < n; i++) {
    one[i] = (uint8_t)(i * i % 7);
    other[i] = (uint8_t)(i * 3 % 5);
  }
  for (int32_t k = 0; k <= n; k++) words[k] = (uint32_t)k;
  for (int32_t i = 1; i <= n; i++) {
    uint32_t diagonal = words[0];
    words[0] = (uint32_t)i;
    for (int32_t k = 1; k <= n; k++) {
      uint32_t best = diagonal + (one[i - 1] != other[k - 1]);
      diagonal = words[k];
      if (words[k] + 1 < best) best = words[k] + 1;
      if (words[k - 1] + 1 < best) best = words[k - 1] + 1;
      words[k] = best;
    }
  }
  return (int32_t)words[n];
}

static int32_t place(uint32_t free, uint32_t left, uint32_t right, uint32_t all) {
  if (!free) return 1;
  int32_t count = 0;
  for (uint32_t safe = free & ~(left | right) & all; safe; safe &= safe - 1) {
    uint32_t queen = safe & -safe;
    count += place(free ^ queen, (left | queen) << 1, (right | queen) >> 1, all);
  }
  return count;
}

// In how many ways n queens can stand on a board.
EXPORT(queens)(int32_t n) {
  uint32_t all = (1u << n) - 1;
  return place(all, 0, 0, all);
}
