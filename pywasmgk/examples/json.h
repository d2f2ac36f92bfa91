// JSON (RFC 8259) without a tree: a text is checked once, then its values are pieces of that text.
// Reading walks over them; writing appends to a buffer.
#pragma once

#include "gk.h"

#define JSON_DEPTH 10000  // deepest nesting that is taken

// One value inside checked text, without blanks around. Size 0: there is no value.
typedef text json;

// The rest of a text that is being read.
typedef struct {
  const char *at, *end;
} json_cursor;

// ---- checking: where what stands at a place is over, or NULL if it does not stand there

static bool json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static const char *json_blanks(const char *at, const char *end) {
  while (at < end && json_blank(*at)) at++;
  return at;
}

static const char *json_word(const char *at, const char *end, text word) {
  bool fits = (uint32_t)(end - at) >= word.size;
  return fits && text_equal((text){at, word.size}, word) ? at + word.size : NULL;
}

static bool json_is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *json_digits(const char *at, const char *end) {
  const char *start = at;
  while (at < end && json_is_digit(*at)) at++;
  return at > start ? at : NULL;
}

static const char *json_past_number(const char *at, const char *end) {
  if (at < end && *at == '-') at++;
  at = at < end && *at == '0' ? at + 1 : json_digits(at, end);
  if (at && at < end && *at == '.') at = json_digits(at + 1, end);
  if (!at || at == end || (*at | 0x20) != 'e') return at;
  at++;
  if (at < end && (*at == '+' || *at == '-')) at++;
  return json_digits(at, end);
}

// The value of a hexadecimal digit, or -1.
static int json_hex(char c) {
  if (json_is_digit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// From behind the backslash.
static const char *json_past_escape(const char *at, const char *end) {
  static const char letters[] = "\"\\/bfnrt";
  for (uint32_t i = 0; at < end && letters[i]; i++)
    if (*at == letters[i]) return at + 1;
  if (end - at < 5 || *at != 'u') return NULL;
  for (int i = 1; i <= 4; i++)
    if (json_hex(at[i]) < 0) return NULL;
  return at + 5;
}

// The first character inside a string that needs more than a look: a quote, a backslash, or one
// that is not printable ASCII.
static const char *json_plain(const char *at, const char *end) {
  while (at < end && (uint8_t)(*at - ' ') <= '~' - ' ' && *at != '"' && *at != '\\') at++;
  return at;
}

static const char *json_past_string(const char *at, const char *end) {
  if (at == end || *at != '"') return NULL;
  for (at = json_plain(at + 1, end); at < end; at = json_plain(at, end)) {
    if (*at == '"') return at + 1;
    if (*at == '\\') {
      if (!(at = json_past_escape(at + 1, end))) return NULL;
      continue;
    }
    uint32_t size = (uint8_t)*at < ' ' ? 0 : utf8_size((text){at, (uint32_t)(end - at)});
    if (!size) return NULL;
    at += size;
  }
  return NULL;
}

static const char *json_past_key(const char *at, const char *end) {
  at = json_past_string(json_blanks(at, end), end);
  if (!at) return NULL;
  at = json_blanks(at, end);
  return at < end && *at == ':' ? at + 1 : NULL;
}

static const char *json_past_scalar(const char *at, const char *end) {
  switch (*at) {
    case '"': return json_past_string(at, end);
    case 't': return json_word(at, end, TEXT("true"));
    case 'f': return json_word(at, end, TEXT("false"));
    case 'n': return json_word(at, end, TEXT("null"));
    default: return json_past_number(at, end);
  }
}

// Whether the text is exactly one JSON value, in UTF-8, and that value without blanks around. A
// loop, since a call per level of nesting would let the caller choose how deep our stack gets: the
// brackets that wait are kept instead.
static bool json_check(text source, json *root) {
  static char waiting[JSON_DEPTH];  // the closing bracket of every array and object that is open
  const char *end = source.at + source.size, *start = json_blanks(source.at, end), *at = start;
  uint32_t depth = 0;
  for (;;) {
    if (at == end) return false;
    if (*at == '{' || *at == '[') {
      bool object = *at == '{';
      if (depth == JSON_DEPTH) return false;
      waiting[depth++] = object ? '}' : ']';
      at = json_blanks(at + 1, end);
      if (at == end) return false;
      if (*at != waiting[depth - 1]) {  // not empty
        if (object && !(at = json_past_key(at, end))) return false;
        at = json_blanks(at, end);
        continue;
      }
    } else if (!(at = json_past_scalar(at, end))) {
      return false;
    }
    for (;;) {  // after a value
      if (depth == 0) {
        *root = (json){start, (uint32_t)(at - start)};
        return json_blanks(at, end) == end;
      }
      at = json_blanks(at, end);
      if (at == end) return false;
      if (*at == waiting[depth - 1]) {
        depth--;
        at++;
      } else if (*at == ',') {
        at++;
        if (waiting[depth - 1] == '}' && !(at = json_past_key(at, end))) return false;
        at = json_blanks(at, end);
        break;
      } else {
        return false;
      }
    }
  }
}

// ---- reading: only what json_check has seen

// Blanks, commas and colons: what values stand between. In checked text nothing else is as low.
static bool json_between(char c) { return (uint8_t)c <= ' ' || c == ',' || c == ':'; }

// Where a string is over, from inside it.
static const char *json_behind(const char *at, const char *end) {
  for (; *(at = json_plain(at, end)) != '"'; at++)
    if (*at == '\\') at++;
  return at + 1;
}

// The next value: of an array, or of an object, where keys and values take turns.
static bool json_next(json_cursor *c, json *value) {
  const char *at = c->at, *end = c->end;
  while (at < end && json_between(*at)) at++;
  const char *start = at;
  for (uint32_t depth = 0; at < end && (depth || !json_between(*at));) {
    char now = *at++;
    if (now == '"') at = json_behind(at, end);
    else if (now == '{' || now == '[') depth++;
    else if (now == '}' || now == ']') depth--;
  }
  c->at = at;
  *value = (json){start, (uint32_t)(at - start)};
  return at != start;
}

// What a value is: one of { [ " t f n 0, or 0 for no value.
static char json_kind(json value) {
  if (!value.size) return 0;
  char first = *value.at;
  return first == '-' || (first >= '0' && first <= '9') ? '0' : first;
}

// A missing value and null are the same to most readers.
static bool json_absent(json value) { return !value.size || json_kind(value) == 'n'; }

// The inside of an array or object, for json_next; of anything else, nothing.
static json_cursor json_inside(json value, char kind) {
  if (json_kind(value) != kind) return (json_cursor){NULL, NULL};
  return (json_cursor){value.at + 1, value.at + value.size - 1};
}

static uint32_t json_unit(const char *digits) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; i++) unit = unit << 4 | (uint32_t)json_hex(digits[i]);
  return unit;
}

// Reads the escape after a backslash. Surrogates that are no pair become U+FFFD.
static uint32_t json_unescape(json_cursor *c) {
  char letter = *c->at++;
  switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': break;
    default: return (uint32_t)letter;
  }
  uint32_t unit = json_unit(c->at);
  c->at += 4;
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit < 0xDC00 && c->end - c->at >= 6 && c->at[0] == '\\' && c->at[1] == 'u') {
    uint32_t low = json_unit(c->at + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      c->at += 6;
      return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
  }
  return 0xFFFD;
}

static char *utf8_put(char *to, uint32_t point) {
  if (point < 0x80) {
    *to++ = (char)point;
    return to;
  }
  uint32_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;  // bytes after the first
  *to++ = (char)((0xF00u >> (more + 1)) | point >> (6 * more));
  while (more--) *to++ = (char)(0x80 | (point >> (6 * more) & 0x3F));
  return to;
}

// The text of a string. Without escapes it is a piece of the source, else it is scratch.
static bool json_string(json value, text *result) {
  if (json_kind(value) != '"') return false;
  json_cursor c = {value.at + 1, value.at + value.size - 1};
  *result = (text){c.at, value.size - 2};
  while (c.at < c.end && *c.at != '\\') c.at++;
  if (c.at == c.end) return true;
  char *start = scratch(result->size), *to = start;  // an escape is never shorter than its character
  for (c.at = result->at; c.at < c.end;) {
    char now = *c.at++;
    if (now == '\\') to = utf8_put(to, json_unescape(&c));
    else *to++ = now;
  }
  *result = (text){start, (uint32_t)(to - start)};
  return true;
}

// Whether a string says something. Escapes make it longer, so that most need no decoding.
static bool json_says(json string, text what) {
  text inside = {string.at + 1, string.size - 2};
  if (inside.size > what.size) return json_string(string, &inside) && text_equal(inside, what);
  if (inside.size < what.size) return false;
  for (uint32_t i = 0; i < what.size; i++)
    if (inside.at[i] != what.at[i] || inside.at[i] == '\\') return false;
  return true;
}

// A number without fraction and exponent that fits into 64 bits.
static bool json_integer(json value, int64_t *result) {
  if (json_kind(value) != '0') return false;
  bool negative = *value.at == '-';
  uint64_t size = 0, limit = negative ? (uint64_t)1 << 63 : INT64_MAX;
  for (uint32_t i = negative; i < value.size; i++) {
    uint32_t digit = (uint32_t)value.at[i] - '0';
    if (digit > 9) return false;
    if (size > (limit - digit) / 10) return false;
    size = size * 10 + digit;
  }
  *result = (int64_t)(negative ? 0 - size : size);
  return true;
}

#define JSON_EXACT ((uint64_t)1 << 53)  // integers up to here are exact in 64-bit floats

// A number whose digits, without the point, make an integer up to 2^53, and whose power of ten is
// within 22: then one multiplication or division of exact values gives the nearest float (Clinger,
// "How to read floating point numbers accurately", 1990). Nothing above 2^53 is taken.
static bool json_number(json value, double *result) {
  if (json_kind(value) != '0') return false;
  const char *at = value.at, *end = at + value.size;
  bool negative = *at == '-', fraction = false;
  uint64_t digits = 0;
  int32_t power = 0;
  for (at += negative; at < end && (json_is_digit(*at) || *at == '.'); at++) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    digits = digits * 10 + (uint64_t)(*at - '0');
    if (digits > JSON_EXACT) return false;
    power -= fraction;
  }
  if (at < end) {
    at++;  // e
    bool down = *at == '-';
    if (down || *at == '+') at++;
    int32_t exponent = 0;
    for (; at < end; at++)
      if (exponent < 100000) exponent = exponent * 10 + (*at - '0');
    power += down ? -exponent : exponent;
  }
  if (power < -22 || power > 22) return false;
  double scale = 1, size = (double)digits;
  for (int32_t i = power < 0 ? -power : power; i > 0; i--) scale *= 10;  // exact up to 10^22
  size = power < 0 ? size / scale : size * scale;
  *result = negative ? -size : size;
  return size <= (double)JSON_EXACT;
}

// The member of an object; the last one if there are several of that name.
static json json_member(json object, text name) {
  json_cursor c = json_inside(object, '{');
  json found = {NULL, 0}, key, value;
  while (json_next(&c, &key) && json_next(&c, &value))
    if (json_says(key, name)) found = value;
  return found;
}

// ---- writing

typedef struct {
  char *at;
  uint32_t size, capacity;
} json_writer;

static void json_grow(json_writer *w, uint32_t needed) {
  uint32_t capacity = needed < 64 ? 64 : needed + needed / 2;
  char *larger = gk_need(capacity);
  __builtin_memcpy(larger, w->at, w->size);
  if (w->at) gk_free(w->at);
  w->at = larger;
  w->capacity = capacity;
}

// Where the next `size` bytes go.
static char *json_room(json_writer *w, uint32_t size) {
  uint32_t before = w->size;
  if (before + size > w->capacity) json_grow(w, before + size);
  w->size = before + size;
  return w->at + before;
}

static void put_text(json_writer *w, text piece) {
  __builtin_memcpy(json_room(w, piece.size), piece.at, piece.size);
}

static void put_char(json_writer *w, char c) { *json_room(w, 1) = c; }

// A comma, unless nothing, an opening bracket or a colon stands before.
static void put_comma(json_writer *w) {
  char last = w->size ? w->at[w->size - 1] : '[';
  if (last != '[' && last != '{' && last != ':') put_char(w, ',');
}

static void put_open(json_writer *w, char bracket) {
  put_comma(w);
  put_char(w, bracket);
}

static void put_escape(json_writer *w, char c) {
  static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";  // letter, character
  static const char hex[] = "0123456789abcdef";
  for (uint32_t i = 0; letters[i]; i += 2) {
    if (letters[i + 1] != c) continue;
    put_text(w, (text){(char[]){'\\', letters[i]}, 2});
    return;
  }
  put_text(w, (text){(char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6});
}

// The inside of a string: quotes, backslashes and control characters are escaped, the rest stays.
static void put_escaped(json_writer *w, text value) {
  const char *done = value.at, *at = done, *end = at + value.size;
  for (; (at = json_plain(at, end)) < end; at++) {
    if ((uint8_t)*at >= 0x7F) continue;
    put_text(w, (text){done, (uint32_t)(at - done)});
    put_escape(w, *at);
    done = at + 1;
  }
  put_text(w, (text){done, (uint32_t)(end - done)});
}

static void put_string(json_writer *w, text value) {
  put_comma(w);
  put_char(w, '"');
  put_escaped(w, value);
  put_char(w, '"');
}

static void put_key(json_writer *w, text key) {
  put_string(w, key);
  put_char(w, ':');
}

static void put_word(json_writer *w, text word) {
  put_comma(w);
  put_text(w, word);
}

static void put_bool(json_writer *w, bool value) {
  put_word(w, value ? TEXT("true") : TEXT("false"));
}

// Decimal digits with leading zeros up to `width`.
static void put_digits(json_writer *w, uint64_t value, uint32_t width) {
  char digits[20];
  uint32_t at = sizeof digits;
  while (value || at > sizeof digits - width) {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  }
  put_text(w, (text){digits + at, sizeof digits - at});
}

static void put_integer(json_writer *w, int64_t value) {
  put_comma(w);
  if (value < 0) put_char(w, '-');
  put_digits(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

// A number up to 2^53 in size, with at most six decimals, rounded half up, without zeros at the end.
static void put_number(json_writer *w, double value) {
  double size = value < 0 ? -value : value;
  uint64_t whole = (uint64_t)size;
  uint32_t millionths = (uint32_t)((size - (double)whole) * 1e6 + 0.5);
  if (millionths == 1000000) {
    whole += 1;
    millionths = 0;
  }
  put_comma(w);
  if (value < 0 && (whole || millionths)) put_char(w, '-');
  put_digits(w, whole, 1);
  if (!millionths) return;
  put_char(w, '.');
  uint32_t width = 6;
  for (; millionths % 10 == 0; width--) millionths /= 10;
  put_digits(w, millionths, width);
}

// A value as it stands in its source, without the blanks between its parts.
static void put_json(json_writer *w, json value) {
  put_comma(w);
  bool inside = false;  // of a string
  uint32_t done = 0;
  for (uint32_t i = 0; i < value.size; i++) {
    char c = value.at[i];
    if (c == '"') inside = !inside;
    if (inside && c == '\\') i++;
    if (inside || !json_blank(c)) continue;
    put_text(w, (text){value.at + done, i - done});
    done = i + 1;
  }
  put_text(w, (text){value.at + done, value.size - done});
}
