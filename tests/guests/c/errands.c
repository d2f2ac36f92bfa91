// The errands plugin in C without a library; tests/plugin/test_toolchains.py says what it answers.
// It takes and gives bytes, so that every language, WAT too, can have the same one.
#include "gk.h"

static const char manifest[] =
    "{\"name\":\"errands\",\"version\":\"1.0.0\","
    "\"description\":\"Runs errands, the same in every language\","
    "\"author\":\"pywasmgk\",\"license\":\"Apache-2.0\",\"homepage\":\"\","
    "\"routes\":[{\"method\":\"POST\",\"path\":\"/errands/sum\",\"handler\":\"sum\"}],"
    "\"error_codes\":[{\"code\":\"errands.numbers\",\"message\":\"numbers expected\","
    "\"http_status\":422}]}";

// ---- writing: into one block with room for the longest answer there can be

#define ROOM(text_size) (80 + 6 * (text_size))  // an escape has six characters

static char *out;

static void put(text piece) {
  __builtin_memcpy(out, piece.at, piece.size);
  out += piece.size;
}

static void put_hex(uint64_t value, int digits) {
  while (digits--) *out++ = "0123456789abcdef"[value >> 4 * digits & 15];
}

static void put_decimal(int64_t value) {
  uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, power = 1;
  if (value < 0) *out++ = '-';
  while (size / power >= 10) power *= 10;
  for (; power; power /= 10) *out++ = (char)('0' + size / power % 10);
}

static void put_escaped(text piece) {
  for (uint32_t i = 0; i < piece.size; i++) {
    char c = piece.at[i];
    if (c == '"' || c == '\\') *out++ = '\\';
    if ((uint8_t)c < ' ') {
      put(TEXT("\\u"));
      put_hex((uint8_t)c, 4);
    } else {
      *out++ = c;
    }
  }
}

static void fail_with(text message, text detail) {
  put(TEXT("{\"error\":\""));
  put(message);
  put_escaped(detail);
  put(TEXT("\"}"));
}

// ---- reading

// Takes up to 18 digits, which fit into 64 bits; false if there is none, or there are more.
static bool take_digits(text *rest, int64_t *value) {
  uint32_t count = 0;
  for (*value = 0; count < rest->size && rest->at[count] >= '0' && rest->at[count] <= '9'; count++)
    if (count < 18) *value = *value * 10 + (rest->at[count] - '0');
  *rest = (text){rest->at + count, rest->size - count};
  return count >= 1 && count <= 18;
}

static bool take(text *rest, char c) {
  if (!rest->size || *rest->at != c) return false;
  *rest = (text){rest->at + 1, rest->size - 1};
  return true;
}

// ---- handlers

static uint64_t calls;

static void count(text args) {
  (void)args;
  put(TEXT("{\"calls\":"));
  put_decimal((int64_t)++calls);
  put(TEXT("}"));
}

// [1,-2] without blanks; the sum wraps at 64 bits.
static void sum(text args) {
  int64_t number;
  uint64_t total = 0;
  uint32_t numbers = 0;
  bool good = take(&args, '[');
  if (good && !take(&args, ']')) {
    do {
      bool negative = take(&args, '-');
      good = take_digits(&args, &number);
      total += (uint64_t)(negative ? -number : number);
      numbers += 1;
    } while (good && take(&args, ','));
    good = good && take(&args, ']');
  }
  if (!good || args.size) return fail_with(TEXT("numbers expected"), TEXT(""));
  put(TEXT("{\"count\":"));
  put_decimal(numbers);
  put(TEXT(",\"sum\":"));
  put_decimal((int64_t)total);
  put(TEXT("}"));
}

// Thousandths of the square root, rounded down.
static void root(text args) {
  int64_t number;
  if (!take_digits(&args, &number) || args.size)
    return fail_with(TEXT("number expected"), TEXT(""));
  put(TEXT("{\"root\":"));
  put_decimal((int64_t)(__builtin_sqrt((double)number) * 1000));
  put(TEXT("}"));
}

static void hash(text args) {
  uint32_t crc = ~0u;
  uint64_t fnv1a = 0xCBF29CE484222325;
  for (uint32_t i = 0; i < args.size; i++) {
    uint8_t byte = (uint8_t)args.at[i];
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    fnv1a = (fnv1a ^ byte) * 0x100000001B3;
  }
  put(TEXT("{\"crc32\":\""));
  put_hex(~crc, 8);
  put(TEXT("\",\"fnv1a\":\""));
  put_hex(fnv1a, 16);
  put(TEXT("\"}"));
}

// A digit, then the message.
static void note(text args) {
  if (!args.size || *args.at < '0' || *args.at > '9')
    return fail_with(TEXT("level expected"), TEXT(""));
  gk_log((uint32_t)(*args.at - '0'), args.at + 1, args.size - 1);
  put(TEXT("{\"noted\":"));
  put_decimal(args.size - 1);
  put(TEXT("}"));
}

static volatile uint32_t zero;

// Not inlined, not a tail call: each level has its frame.
__attribute__((noinline)) static uint32_t deeper(uint32_t depth) {
  return depth == ~0u ? 0 : deeper(depth + 1) + zero + 1;
}

static void fail(text args) {
  if (text_equal(args, TEXT("unreachable"))) __builtin_trap();
  if (text_equal(args, TEXT("divide"))) zero = args.size / zero;
  if (text_equal(args, TEXT("bounds"))) zero = *(volatile uint32_t *)0xFFFFFFF0;
  if (text_equal(args, TEXT("recurse"))) zero = deeper(0);
  while (text_equal(args, TEXT("loop"))) zero = 0;
  fail_with(TEXT("unknown kind: "), args);
}

// ---- handlers whose answers have no bound

static text echo(text args) {
  if (!args.size) return args;
  char *copy = gk_need(args.size);
  __builtin_memcpy(copy, args.at, args.size);
  return (text){copy, args.size};
}

// NAME REQUEST: what the host answers, which is ours to hand on.
static text ask(text args) {
  text name = {args.at, 0};
  while (name.size < args.size && name.at[name.size] != ' ') name.size++;
  uint32_t start = name.size < args.size ? name.size + 1 : name.size;
  uint64_t packed = gk_host_call(name.at, name.size, args.at + start, args.size - start);
  if (packed) return (text){(const char *)(uintptr_t)(packed >> 32), (uint32_t)packed};
  char *block = out = gk_need(ROOM(name.size));
  fail_with(TEXT("host call failed: "), name);
  return (text){block, (uint32_t)(out - block)};
}

// ---- the contract

static const struct {
  const char *name;
  void (*run)(text args);
} handlers[] = {
    {"count", count}, {"sum", sum}, {"root", root}, {"hash", hash}, {"note", note}, {"fail", fail},
};

static text answer(text function, text args) {
  if (text_equal(function, TEXT("echo"))) return echo(args);
  if (text_equal(function, TEXT("ask"))) return ask(args);
  char *block = out = gk_need(ROOM(function.size > args.size ? function.size : args.size));
  uint32_t i = 0, end = sizeof handlers / sizeof *handlers;
  while (i < end && !text_equal(function, text_of(handlers[i].name))) i++;
  if (i < end) handlers[i].run(args);
  else fail_with(TEXT("unknown function: "), function);
  return (text){block, (uint32_t)(out - block)};
}

GK_EXPORT("gk_register") uint64_t gk_register(void) { return gk_pack(text_of(manifest)); }

GK_EXPORT("gk_call")
uint64_t gk_call(const char *function, uint32_t function_size, const char *args, uint32_t size) {
  return gk_pack(answer((text){function, function_size}, (text){args, size}));
}
