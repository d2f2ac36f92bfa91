/* Kernels for tools/bench simd: each in vector code and in the scalar code that one would write in
 * its place. Both builds give the same numbers. -fno-builtin keeps loops from becoming calls.
 *
 *   F="-target wasm32-freestanding -O2 -ffreestanding -fno-builtin -nostdlib -Wl,--no-entry -Wl,-s"
 *   zig cc $F -msimd128 simd.c -o simd.wasm
 *   zig cc $F -fno-vectorize -fno-slp-vectorize simd.c -o simd_scalar.wasm
 */
#include <stdint.h>
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

#define EXPORT(name) __attribute__((export_name(#name))) uint32_t name(uint32_t n)
#define MOST 65536

static uint8_t source[MOST + 64], target[2 * MOST + 64];

static uint32_t state;

static uint32_t next(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void fill(uint32_t n) {
    state = 2463534242u;
    for (uint32_t i = 0; i < n; i += 4) *(uint32_t *)(source + i) = next();
}

static uint32_t mix(const uint8_t *at, uint32_t n) {
    uint32_t sum = 2166136261u;
    for (uint32_t i = 0; i < n; i += 61) sum = (sum ^ at[i]) * 16777619u;
    return sum;
}

/* copies n bytes, a multiple of 16, eight times */
EXPORT(copy) {
    fill(64);
    for (int turn = 0; turn < 8; turn++) {
        const uint8_t *from = source;
        uint8_t *to = target;
        for (uint32_t i = 0; i < n; i += 16) {
#ifdef __wasm_simd128__
            wasm_v128_store(to + i, wasm_v128_load(from + i));
#else
            *(uint64_t *)(to + i) = *(const uint64_t *)(from + i);
            *(uint64_t *)(to + i + 8) = *(const uint64_t *)(from + i + 8);
#endif
        }
        source[turn]++;
    }
    return mix(target, n);
}

/* counts the bytes below 32, as scanners of JSON do */
EXPORT(scan) {
    fill(n);
    uint32_t found = 0;
#ifdef __wasm_simd128__
    const v128_t space = wasm_i8x16_splat(32);
    for (uint32_t i = 0; i < n; i += 16)
        found += __builtin_popcount(wasm_i8x16_bitmask(wasm_u8x16_lt(wasm_v128_load(source + i), space)));
#else
    for (uint32_t i = 0; i < n; i++) found += source[i] < 32;
#endif
    return found;
}

/* base64 of n bytes, a multiple of 12 */
EXPORT(base64) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fill(n + 4);
    uint8_t *out = target;
#ifdef __wasm_simd128__
    const v128_t offsets = wasm_i8x16_make('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
        '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
    for (uint32_t i = 0; i < n; i += 12, out += 16) {
        v128_t in = wasm_v128_load(source + i);
        in = wasm_i8x16_shuffle(in, in, 2, 1, 0, 0, 5, 4, 3, 3, 8, 7, 6, 6, 11, 10, 9, 9);
        /* four digits of a group of three bytes, which now is the low part of a lane */
        in = wasm_v128_or(
            wasm_v128_or(wasm_v128_and(wasm_u32x4_shr(in, 18), wasm_i32x4_splat(0x3F)),
                         wasm_v128_and(wasm_u32x4_shr(in, 4), wasm_i32x4_splat(0x3F00))),
            wasm_v128_or(wasm_v128_and(wasm_i32x4_shl(in, 10), wasm_i32x4_splat(0x3F0000)),
                         wasm_v128_and(wasm_i32x4_shl(in, 24), wasm_i32x4_splat(0x3F000000))));
        v128_t class = wasm_u8x16_sub_sat(in, wasm_i8x16_splat(51));
        class = wasm_v128_or(class, wasm_v128_and(wasm_i8x16_lt(in, wasm_i8x16_splat(26)), wasm_i8x16_splat(13)));
        wasm_v128_store(out, wasm_i8x16_add(in, wasm_i8x16_swizzle(offsets, class)));
    }
#else
    for (uint32_t i = 0; i < n; i += 3, out += 4) {
        uint32_t group = source[i] << 16 | source[i + 1] << 8 | source[i + 2];
        out[0] = digits[group >> 18];
        out[1] = digits[group >> 12 & 63];
        out[2] = digits[group >> 6 & 63];
        out[3] = digits[group & 63];
    }
#endif
    return mix(target, n / 3 * 4) + digits[n & 63];
}

/* the length of the character at a place, or 0 where it is no UTF-8 */
static uint32_t character(const uint8_t *at) {
    uint32_t lead = at[0];
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return (at[1] & 0xC0) == 0x80 ? 2 : 0;
    if (lead < 0xF0) {
        uint32_t code = (lead & 15) << 12 | (at[1] & 63) << 6;
        if ((at[1] & 0xC0) != 0x80 || (at[2] & 0xC0) != 0x80) return 0;
        return code < 0x800 || (code >= 0xD800 && code < 0xE000) ? 0 : 3;
    }
    return 0;
}

/* characters of UTF-8 text that is mostly ASCII, or 0 where it is none */
EXPORT(utf8) {
    fill(64);
    for (uint32_t i = 0; i < n; i++) source[i] = 'a' + i % 26;
    for (uint32_t i = 100; i + 2 < n; i += 100) {
        source[i] = 0xE2;
        source[i + 1] = 0x82;
        source[i + 2] = 0xAC;
    }
    for (int i = 0; i < 16; i++) source[n + i] = 0;
    uint32_t found = 0, i = 0;
    while (i < n) {
#ifdef __wasm_simd128__
        if (i + 16 <= n && !wasm_i8x16_bitmask(wasm_v128_load(source + i))) {
            i += 16;
            found += 16;
            continue;
        }
#endif
        uint32_t size = character(source + i);
        if (!size) return 0;
        i += size;
        found++;
    }
    return found;
}

/* product of two matrices of n rows, a multiple of 4 and at most 64 */
EXPORT(matmul) {
    static float a[64 * 64], b[64 * 64], c[64 * 64];
    for (uint32_t i = 0; i < n * n; i++) {
        a[i] = (float)(i % 7) * 0.5f;
        b[i] = (float)(i % 5) * 0.25f;
    }
    for (uint32_t i = 0; i < n; i++)
#ifdef __wasm_simd128__
        for (uint32_t j = 0; j < n; j += 4) {
            v128_t sum = wasm_f32x4_splat(0);
            for (uint32_t k = 0; k < n; k++)
                sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_f32x4_splat(a[i * n + k]),
                                                         wasm_v128_load(b + k * n + j)));
            wasm_v128_store(c + i * n + j, sum);
        }
#else
        for (uint32_t j = 0; j < n; j++) {
            float sum = 0;
            for (uint32_t k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
#endif
    float total = 0;
    for (uint32_t i = 0; i < n * n; i++) total += c[i];
    return (uint32_t)total;
}

/* SHA-256 of n blocks, the same source for both: the compiler may use vectors where it likes */
EXPORT(sha256) {
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint32_t w[64], v[8];
#define ROTATE(x, by) ((x) >> (by) | (x) << (32 - (by)))
    fill(64);
    for (uint32_t block = 0; block < n; block++) {
        for (int i = 0; i < 16; i++) w[i] = __builtin_bswap32(((uint32_t *)source)[i]) + block;
        for (int i = 16; i < 64; i++)
            w[i] = w[i - 16] + (ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7]
                 + (ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10);
        for (int i = 0; i < 8; i++) v[i] = h[i];
        for (int i = 0; i < 64; i++) {
            uint32_t t = v[7] + (ROTATE(v[4], 6) ^ ROTATE(v[4], 11) ^ ROTATE(v[4], 25))
                       + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
            uint32_t u = (ROTATE(v[0], 2) ^ ROTATE(v[0], 13) ^ ROTATE(v[0], 22))
                       + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + t;
            v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t + u;
        }
        for (int i = 0; i < 8; i++) h[i] += v[i];
    }
    return h[0] ^ h[7];
}
