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

// ---- checking

static bool json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void json_blanks(json_cursor *c) {
  while (c->at < c->end && json_blank(*c->at)) c->at++;
}

static bool json_take(json_cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool json_take_word(json_cursor *c, text word) {
  if ((uint32_t)(c->end - c->at) < word.size) return false;
  if (!text_equal((text){c->at, word.size}, word)) return false;
  c->at += word.size;
  return true;
}

static bool json_digit(const json_cursor *c) {
  return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool json_take_digits(json_cursor *c) {
  if (!json_digit(c)) return false;
  while (json_digit(c)) c->at++;
  return true;
}

static bool json_take_number(json_cursor *c) {
  json_take(c, '-');
  if (!json_take(c, '0') && !json_take_digits(c)) return false;
  if (json_take(c, '.') && !json_take_digits(c)) return false;
  if (!json_take(c, 'e') && !json_take(c, 'E')) return true;
  if (!json_take(c, '+')) json_take(c, '-');
  return json_take_digits(c);
}

// The value of a hexadecimal digit, or -1.
static int json_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool json_take_escape(json_cursor *c) {
  static const char letters[] = "\"\\/bfnrt";
  for (uint32_t i = 0; letters[i]; i++)
    if (json_take(c, letters[i])) return true;
  if (!json_take(c, 'u') || c->end - c->at < 4) return false;
  for (int i = 0; i < 4; i++)
    if (json_hex(*c->at++) < 0) return false;
  return true;
}

static bool json_take_string(json_cursor *c) {
  if (!json_take(c, '"')) return false;
  while (c->at < c->end) {
    if (json_take(c, '"')) return true;
    if (json_take(c, '\\')) {
      if (!json_take_escape(c)) return false;
      continue;
    }
    uint32_t size = utf8_size((text){c->at, (uint32_t)(c->end - c->at)});
    if (!size || (uint8_t)*c->at < 0x20) return false;
    c->at += size;
  }
  return false;
}

static bool json_take_key(json_cursor *c) {
  json_blanks(c);
  if (!json_take_string(c)) return false;
  json_blanks(c);
  return json_take(c, ':');
}

static bool json_take_scalar(json_cursor *c) {
  if (c->at == c->end) return false;
  switch (*c->at) {
    case '"': return json_take_string(c);
    case 't': return json_take_word(c, TEXT("true"));
    case 'f': return json_take_word(c, TEXT("false"));
    case 'n': return json_take_word(c, TEXT("null"));
    default: return json_take_number(c);
  }
}

// Whether the text is exactly one JSON value, in UTF-8. A loop, since a call per level of nesting
// would let the caller choose how deep our stack gets: the brackets that wait are kept instead.
static bool json_check(text source) {
  static char waiting[JSON_DEPTH];  // the closing bracket of every array and object that is open
  json_cursor c = {source.at, source.at + source.size};
  uint32_t depth = 0;
  for (;;) {
    json_blanks(&c);
    bool object = json_take(&c, '{');
    if (object || json_take(&c, '[')) {
      if (depth == JSON_DEPTH) return false;
      waiting[depth++] = object ? '}' : ']';
      json_blanks(&c);
      if (c.at == c.end) return false;
      if (*c.at != waiting[depth - 1]) {  // not empty
        if (object && !json_take_key(&c)) return false;
        continue;
      }
    } else if (!json_take_scalar(&c)) {
      return false;
    }
    for (;;) {  // after a value
      json_blanks(&c);
      if (depth == 0) return c.at == c.end;
      if (json_take(&c, waiting[depth - 1])) {
        depth--;
      } else if (json_take(&c, ',')) {
        if (waiting[depth - 1] == '}' && !json_take_key(&c)) return false;
        break;
      } else {
        return false;
      }
    }
  }
}

// ---- reading: only what json_check has seen

// The next value: of an array, or of an object, where keys and values take turns. In checked text
// commas and colons need no more attention than blanks.
static bool json_next(json_cursor *c, json *value) {
  while (c->at < c->end && (json_blank(*c->at) || *c->at == ',' || *c->at == ':')) c->at++;
  const char *start = c->at;
  uint32_t depth = 0;
  while (c->at < c->end) {
    char now = *c->at;
    if (depth == 0 && (json_blank(now) || now == ',' || now == ':')) break;
    c->at++;
    if (now == '{' || now == '[') depth++;
    if (now == '}' || now == ']') depth--;
    if (now != '"') continue;
    while (*c->at != '"') c->at += *c->at == '\\' ? 2 : 1;
    c->at++;
  }
  *value = (json){start, (uint32_t)(c->at - start)};
  return value->size != 0;
}

// The value of a checked text.
static json json_root(text checked) {
  json_cursor c = {checked.at, checked.at + checked.size};
  json value;
  json_next(&c, &value);
  return value;
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
  json_cursor c = {value.at, value.at + value.size};
  bool negative = json_take(&c, '-'), fraction = false;
  uint64_t digits = 0;
  int32_t power = 0;
  for (; json_digit(&c) || (c.at < c.end && *c.at == '.'); c.at++) {
    if (*c.at == '.') {
      fraction = true;
      continue;
    }
    digits = digits * 10 + (uint64_t)(*c.at - '0');
    if (digits > JSON_EXACT) return false;
    power -= fraction;
  }
  if (c.at < c.end) {
    c.at++;  // e
    bool down = json_take(&c, '-');
    json_take(&c, '+');
    int32_t exponent = 0;
    for (; json_digit(&c); c.at++)
      if (exponent < 100000) exponent = exponent * 10 + (*c.at - '0');
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
  text decoded;
  while (json_next(&c, &key) && json_next(&c, &value))
    if (json_string(key, &decoded) && text_equal(decoded, name)) found = value;
  return found;
}

// ---- writing

typedef struct {
  char *at;
  uint32_t size, capacity;
} json_writer;

static void put_text(json_writer *w, text piece) {
  uint32_t needed = w->size + piece.size;
  if (needed > w->capacity) {
    uint32_t capacity = needed < 64 ? 64 : needed + needed / 2;
    char *larger = gk_need(capacity);
    __builtin_memcpy(larger, w->at, w->size);
    if (w->at) gk_free(w->at);
    w->at = larger;
    w->capacity = capacity;
  }
  __builtin_memcpy(w->at + w->size, piece.at, piece.size);
  w->size = needed;
}

static void put_char(json_writer *w, char c) { put_text(w, (text){&c, 1}); }

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
  uint32_t done = 0;
  for (uint32_t i = 0; i < value.size; i++) {
    char c = value.at[i];
    if ((uint8_t)c >= 0x20 && c != '"' && c != '\\') continue;
    put_text(w, (text){value.at + done, i - done});
    put_escape(w, c);
    done = i + 1;
  }
  put_text(w, (text){value.at + done, value.size - done});
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
