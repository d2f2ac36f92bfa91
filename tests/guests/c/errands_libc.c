// The errands plugin in C with a C library, as a WASI reactor: what the others work out at each
// call, constructors prepare here, so that an answer shows that _initialize ran before it.
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(name) __attribute__((import_module("gk"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

IMPORT("host_call")
uint64_t gk_host_call(const char *name, uint32_t name_size, const char *request, uint32_t size);
IMPORT("log")
void gk_log(uint32_t level, const char *message, uint32_t size);

typedef struct {
  char *at;
  size_t size;
} bytes;

static char *manifest;
static uint32_t crcs[256];

// One constructor after the other, by priority: the first makes what the second changes.
__attribute__((constructor(101))) static void prepare_manifest(void) {
  static const char format[] =
      "{'name':'errands','version':'1.0.0','description':'%s','author':'pywasmgk',"
      "'license':'Apache-2.0','homepage':'','routes':[{'method':'POST','path':'/errands/sum',"
      "'handler':'sum'}],'error_codes':[{'code':'errands.numbers','message':'numbers expected',"
      "'http_status':422}]}";
  if (asprintf(&manifest, format, "Runs errands, the same in every language") < 0) abort();
}

__attribute__((constructor(102))) static void finish_manifest(void) {
  for (char *c = manifest; (c = strchr(c, '\''));) *c = '"';
}

__attribute__((constructor)) static void prepare_crcs(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    crcs[byte] = byte;
    for (int bit = 0; bit < 8; bit++) crcs[byte] = crcs[byte] >> 1 ^ (crcs[byte] & 1) * 0xEDB88320;
  }
}

// ---- memory: which blocks are ours, so that gk_free can ignore what is not

static void **blocks;
static size_t block_count, block_room;

static void *keep(void *block) {
  if (block_count == block_room) {
    void **more = realloc(blocks, (block_room += 64) * sizeof *blocks);
    if (!more) abort();
    blocks = more;
  }
  return blocks[block_count++] = block;
}

EXPORT("gk_malloc") void *gk_malloc(uint32_t size) {
  void *block = malloc(size ? size : 1);
  return block ? keep(block) : NULL;
}

EXPORT("gk_free") void gk_free(void *block) {
  for (size_t i = 0; i < block_count; i++)
    if (blocks[i] == block) {
      blocks[i] = blocks[--block_count];
      return free(block);
    }
}

// ---- handlers: print their answers

static void print_error(FILE *out, const char *message, bytes detail) {
  fprintf(out, "{\"error\":\"%s", message);
  for (size_t i = 0; i < detail.size; i++) {
    unsigned char c = (unsigned char)detail.at[i];
    if (c < ' ') fprintf(out, "\\u%04x", c);
    else fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
  }
  fputs("\"}", out);
}

// Up to 18 digits at `*at`, which a zero ends; leaves `*at` behind them.
static bool take_digits(const char **at, int64_t *value) {
  size_t count = strspn(*at, "0123456789");
  *value = count && count <= 18 ? strtoll(*at, NULL, 10) : 0;
  *at += count;
  return count && count <= 18;
}

static bool take(const char **at, char c) { return **at == c && (*at)++; }

static bool same(bytes a, const char *b) { return a.size == strlen(b) && !memcmp(a.at, b, a.size); }

static void count(FILE *out, bytes args) {
  static uint64_t calls;
  (void)args;
  fprintf(out, "{\"calls\":%" PRIu64 "}", ++calls);
}

static void sum(FILE *out, bytes args) {
  const char *at = args.at;
  int64_t number;
  uint64_t total = 0;
  unsigned numbers = 0;
  bool good = take(&at, '[');
  if (good && !take(&at, ']')) {
    do {
      bool negative = take(&at, '-');
      good = take_digits(&at, &number);
      total += (uint64_t)(negative ? -number : number);
      numbers++;
    } while (good && take(&at, ','));
    good = good && take(&at, ']');
  }
  if (!good || at != args.at + args.size) return print_error(out, "numbers expected", (bytes){0});
  fprintf(out, "{\"count\":%u,\"sum\":%" PRId64 "}", numbers, (int64_t)total);
}

static void root(FILE *out, bytes args) {
  const char *at = args.at;
  int64_t number;
  if (!take_digits(&at, &number) || at != args.at + args.size)
    return print_error(out, "number expected", (bytes){0});
  fprintf(out, "{\"root\":%.0f}", floor(sqrt((double)number) * 1000));
}

static void hash(FILE *out, bytes args) {
  uint32_t crc = ~0u;
  uint64_t fnv1a = 0xCBF29CE484222325;
  for (size_t i = 0; i < args.size; i++) {
    unsigned char byte = (unsigned char)args.at[i];
    crc = crc >> 8 ^ crcs[(crc ^ byte) & 255];
    fnv1a = (fnv1a ^ byte) * 0x100000001B3;
  }
  fprintf(out, "{\"crc32\":\"%08" PRIx32 "\",\"fnv1a\":\"%016" PRIx64 "\"}", ~crc, fnv1a);
}

static void note(FILE *out, bytes args) {
  if (*args.at < '0' || *args.at > '9')
    return print_error(out, "level expected", (bytes){0});
  gk_log((uint32_t)(*args.at - '0'), args.at + 1, args.size - 1);
  fprintf(out, "{\"noted\":%zu}", args.size - 1);
}

static volatile uint32_t zero;

__attribute__((noinline)) static uint32_t deeper(uint32_t depth) {
  return depth == ~0u ? 0 : deeper(depth + 1) + zero + 1;
}

static void fail(FILE *out, bytes args) {
  if (same(args, "unreachable")) abort();
  if (same(args, "divide")) zero = (uint32_t)args.size / zero;
  if (same(args, "bounds")) zero = *(volatile uint32_t *)0xFFFFFFF0;
  if (same(args, "recurse")) zero = deeper(0);
  while (same(args, "loop")) zero = 0;
  print_error(out, "unknown kind: ", args);
}

static void echo(FILE *out, bytes args) { fwrite(args.at, 1, args.size, out); }

static void ask(FILE *out, bytes args) {
  char *space = memchr(args.at, ' ', args.size);
  bytes name = {args.at, space ? (size_t)(space - args.at) : args.size};
  size_t start = space ? name.size + 1 : name.size;
  uint64_t packed = gk_host_call(name.at, name.size, args.at + start, args.size - start);
  if (!packed) return print_error(out, "host call failed: ", name);
  void *block = (void *)(uintptr_t)(packed >> 32);
  fwrite(block, 1, (uint32_t)packed, out);
  gk_free(block);
}

// ---- the contract

static const struct {
  const char *name;
  void (*run)(FILE *out, bytes args);
} handlers[] = {
    {"count", count}, {"sum", sum},   {"root", root}, {"hash", hash},
    {"note", note},   {"fail", fail}, {"echo", echo}, {"ask", ask},
};

static void answer(FILE *out, bytes function, bytes args) {
  for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
    if (same(function, handlers[i].name)) return handlers[i].run(out, args);
  print_error(out, "unknown function: ", function);
}

// A copy that a zero ends.
static bytes copy(const char *at, size_t size) {
  bytes made = {calloc(size + 1, 1), size};
  if (!made.at) abort();
  if (size) memcpy(made.at, at, size);
  return made;
}

static uint64_t pack(void *at, size_t size) { return (uint64_t)(uintptr_t)at << 32 | size; }

EXPORT("gk_register") uint64_t gk_register(void) { return pack(manifest, strlen(manifest)); }

EXPORT("gk_call")
uint64_t gk_call(const char *function, uint32_t function_size, const char *given, uint32_t size) {
  bytes name = copy(function, function_size), args = copy(given, size), result = {0};
  FILE *out = open_memstream(&result.at, &result.size);
  if (!out) abort();
  answer(out, name, args);
  fclose(out);
  free(name.at);
  free(args.at);
  if (result.size) return pack(keep(result.at), result.size);
  free(result.at);
  return 0;
}
