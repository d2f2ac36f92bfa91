// The test plugin in C, the same as in Go and AssemblyScript; cases.json says what it answers.
#include "base64.h"
#include "plugin.h"

static const char manifest[] = JSON({
  "name": "workshop",
  "version": "1.2.0",
  "description": "Does a bit of everything",
  "author": "pywasmgk",
  "license": "Apache-2.0",
  "homepage": "",
  "routes": [
    {"method": "GET", "path": "/workshop/report", "handler": "report", "middleware": ["auth"]},
    {"method": "POST", "path": "/workshop/stats", "handler": "stats"}
  ],
  "menu_items": [{
    "id": "workshop", "label": "Workshop", "path": "/workshop", "location": "admin", "order": 3,
    "children": [
      {"id": "report", "label": "Report", "path": "/workshop/report", "location": "admin"}
    ]
  }],
  "widgets": [{
    "id": "scores", "title": "Scores", "handler": "report", "location": "dashboard",
    "size": "small", "refreshable": true, "refresh_sec": 30
  }],
  "jobs": [{
    "id": "nightly", "handler": "report", "schedule": "0 3 * * *", "enabled": true,
    "timeout": "90s"
  }],
  "i18n": {
    "namespace": "workshop",
    "languages": ["en", "de"],
    "translations": {
      "en": {"workshop.title": "Workshop"},
      "de": {"workshop.title": "Werkstatt \u2013 \u00fcben"}
    }
  },
  "error_codes": [{"code": "workshop.range", "message": "result out of range", "http_status": 422}]
});

// ---- what handlers need again and again

// Requests and answers are objects; these write a member.
static void put_member_text(json_writer *w, text name, text value) {
  put_key(w, name);
  put_string(w, value);
}

static void put_member_integer(json_writer *w, text name, int64_t value) {
  put_key(w, name);
  put_integer(w, value);
}

static void put_member_number(json_writer *w, text name, double value) {
  put_key(w, name);
  put_number(w, value);
}

static void put_member_bool(json_writer *w, text name, bool value) {
  put_key(w, name);
  put_bool(w, value);
}

static void put_member_json(json_writer *w, text name, json value) {
  put_key(w, name);
  put_json(w, value);
}

// Makes the answer {"error": "NAME must be WHAT"}.
static bool refuse(json_writer *answer, text name, const char *what) {
  answer->size = 0;
  put_open(answer, '{');
  put_key(answer, TEXT("error"));
  put_char(answer, '"');
  put_escaped(answer, name);
  put_text(answer, TEXT(" must be "));
  put_text(answer, text_of(what));
  put_text(answer, TEXT("\"}"));
  return false;
}

static bool need_text(json args, text name, text *value, json_writer *answer) {
  return json_string(json_member(args, name), value) || refuse(answer, name, "a string");
}

static bool need_integer(json args, text name, int64_t *value, json_writer *answer) {
  return json_integer(json_member(args, name), value) || refuse(answer, name, "an integer");
}

static bool need_array(json args, text name, json_cursor *inside, json_writer *answer) {
  json found = json_member(args, name);
  *inside = json_inside(found, '[');
  return json_kind(found) == '[' || refuse(answer, name, "an array");
}

static uint32_t count_values(json_cursor inside) {
  uint32_t count = 0;
  for (json value; json_next(&inside, &value);) count++;
  return count;
}

// ---- sorting

typedef struct {
  json source;
  text name;
  double number;
  int rank;  // 0: neither of the next, 1: by number, 2: by name
} item;

typedef int item_order(const item *a, const item *b);

// Merges two neighbours; equal items stay in order.
static void merge(item *items, uint32_t middle, uint32_t size, item *room, item_order *order) {
  uint32_t left = 0, right = middle, to = 0;
  while (left < middle || right < size) {
    bool take_left = right == size || (left < middle && order(&items[left], &items[right]) <= 0);
    room[to++] = items[take_left ? left++ : right++];
  }
  __builtin_memcpy(items, room, size * sizeof(item));
}

static void sort_items(item *items, uint32_t size, item_order *order) {
  item *room = scratch(size * sizeof(item));
  for (uint32_t width = 1; width < size; width *= 2)
    for (uint32_t at = 0; at + width < size; at += 2 * width) {
      uint32_t both = size - at < 2 * width ? size - at : 2 * width;
      merge(items + at, width, both, room, order);
    }
}

static int by_key(const item *a, const item *b) {
  if (a->rank != b->rank) return a->rank - b->rank;
  if (a->rank == 1) return a->number < b->number ? -1 : a->number > b->number;
  return text_compare(a->name, b->name);
}

static int by_key_down(const item *a, const item *b) { return by_key(b, a); }

// {"records": [...], "by": key, "descending": bool} -> {"records": [...]}
static void sort(json args, json_writer *answer) {
  json_cursor records;
  text by;
  if (!need_array(args, TEXT("records"), &records, answer)) return;
  if (!need_text(args, TEXT("by"), &by, answer)) return;
  uint32_t size = count_values(records);
  item *items = scratch(size * sizeof(item));
  for (uint32_t i = 0; i < size; i++) {
    json record;
    json_next(&records, &record);
    items[i] = (item){.source = record};
    json key = json_member(record, by);
    if (json_number(key, &items[i].number)) items[i].rank = 1;
    if (json_string(key, &items[i].name)) items[i].rank = 2;
  }
  bool down = json_kind(json_member(args, TEXT("descending"))) == 't';
  sort_items(items, size, down ? by_key_down : by_key);
  put_open(answer, '{');
  put_key(answer, TEXT("records"));
  put_open(answer, '[');
  for (uint32_t i = 0; i < size; i++) put_json(answer, items[i].source);
  put_text(answer, TEXT("]}"));
}

// ---- numbers

typedef struct {
  uint32_t count;
  double sum, mean, variance, min, median, max;
} summary;

static void summarise(item *items, summary *s) {
  for (uint32_t i = 0; i < s->count; i++) s->sum += items[i].number;
  s->mean = s->sum / s->count;
  for (uint32_t i = 0; i < s->count; i++) {
    double off = items[i].number - s->mean;
    s->variance += off * off;
  }
  s->variance /= s->count;
  sort_items(items, s->count, by_key);
  uint32_t half = s->count / 2;
  s->min = items[0].number;
  s->max = items[s->count - 1].number;
  s->median = s->count % 2 ? items[half].number
                           : (items[half - 1].number + items[half].number) / 2;
}

static bool in_range(double value) { return __builtin_fabs(value) <= (double)JSON_EXACT; }

// {"numbers": [...]} -> count, max, mean, median, min, sum, variance
static void stats(json args, json_writer *answer) {
  json_cursor numbers;
  if (!need_array(args, TEXT("numbers"), &numbers, answer)) return;
  summary s = {.count = count_values(numbers)};
  item *items = scratch(s.count * sizeof(item));
  json value;
  for (uint32_t i = 0; json_next(&numbers, &value); i++) {
    items[i] = (item){.rank = 1};
    if (!json_number(value, &items[i].number))
      return gk_fail(answer, "numbers must hold numbers up to 2^53", TEXT(""));
  }
  put_open(answer, '{');
  put_member_integer(answer, TEXT("count"), s.count);
  if (s.count) {
    summarise(items, &s);
    if (!in_range(s.sum) || !in_range(s.variance))
      return gk_fail(answer, "result out of range", TEXT(""));
    put_member_number(answer, TEXT("max"), s.max);
    put_member_number(answer, TEXT("mean"), s.mean);
    put_member_number(answer, TEXT("median"), s.median);
    put_member_number(answer, TEXT("min"), s.min);
    put_member_number(answer, TEXT("sum"), s.sum);
    put_member_number(answer, TEXT("variance"), s.variance);
  }
  put_char(answer, '}');
}

// {"limit": n} -> {"count": how many primes are below n, "last": the largest}
static void primes(json args, json_writer *answer) {
  int64_t limit, count = 0, last = 0;
  if (!need_integer(args, TEXT("limit"), &limit, answer)) return;
  if (limit < 0 || limit > 100000)
    return (void)refuse(answer, TEXT("limit"), "from 0 to 100000");
  bool *composite = scratch((uint32_t)limit);
  __builtin_memset(composite, 0, (uint32_t)limit);
  for (int64_t i = 2; i < limit; i++) {
    if (composite[i]) continue;
    count += 1;
    last = i;
    for (int64_t k = i * i; k < limit; k += i) composite[k] = true;
  }
  put_open(answer, '{');
  put_member_integer(answer, TEXT("count"), count);
  put_member_integer(answer, TEXT("last"), last);
  put_char(answer, '}');
}

// ---- text

// The next word and the blanks behind it.
static bool next_word(text *rest, text *word) {
  uint32_t start = 0;
  while (start < rest->size && json_blank(rest->at[start])) start++;
  uint32_t end = start;
  while (end < rest->size && !json_blank(rest->at[end])) end++;
  *word = (text){rest->at + start, end - start};
  *rest = (text){rest->at + end, rest->size - end};
  return word->size != 0;
}

static uint32_t count_characters(text value) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < value.size; i++) count += (value.at[i] & 0xC0) != 0x80;
  return count;
}

static text reversed(text value) {
  char *start = scratch(value.size), *to = start + value.size;
  for (uint32_t i = 0; i < value.size;) {
    uint32_t size = utf8_size((text){value.at + i, value.size - i});
    to -= size;
    __builtin_memcpy(to, value.at + i, size);
    i += size;
  }
  return (text){start, value.size};
}

static text upper(text value) {
  char *start = scratch(value.size);
  for (uint32_t i = 0; i < value.size; i++) {
    char c = value.at[i];
    start[i] = c >= 'a' && c <= 'z' ? c - 0x20 : c;
  }
  return (text){start, value.size};
}

// How often each word occurs, the most frequent ones first.
static void put_counts(json_writer *answer, text value) {
  uint32_t size = 0, kinds = 0;
  text rest = value, word;
  while (next_word(&rest, &word)) size++;
  item *items = scratch(size * sizeof(item));
  for (rest = value; next_word(&rest, &word); items++)
    *items = (item){.name = word, .rank = 2};
  items -= size;
  sort_items(items, size, by_key);
  for (uint32_t i = 0; i < size; i++) {
    if (!kinds || !text_equal(items[kinds - 1].name, items[i].name))
      items[kinds++] = (item){.name = items[i].name, .rank = 1};
    items[kinds - 1].number -= 1;
  }
  sort_items(items, kinds, by_key);
  put_open(answer, '[');
  for (uint32_t i = 0; i < kinds; i++) {
    put_open(answer, '[');
    put_string(answer, items[i].name);
    put_integer(answer, (int64_t)-items[i].number);
    put_char(answer, ']');
  }
  put_char(answer, ']');
}

// {"text": text} -> bytes, characters, counts, lines, longest, reversed, upper
static void words(json args, json_writer *answer) {
  text value, word, longest = {0};
  if (!need_text(args, TEXT("text"), &value, answer)) return;
  for (text rest = value; next_word(&rest, &word);)
    if (count_characters(word) > count_characters(longest)) longest = word;
  int64_t lines = value.size != 0;
  for (uint32_t i = 0; i < value.size; i++) lines += value.at[i] == '\n';
  put_open(answer, '{');
  put_member_integer(answer, TEXT("bytes"), value.size);
  put_member_integer(answer, TEXT("characters"), count_characters(value));
  put_key(answer, TEXT("counts"));
  put_counts(answer, value);
  put_member_integer(answer, TEXT("lines"), lines);
  put_member_text(answer, TEXT("longest"), longest);
  put_member_text(answer, TEXT("reversed"), reversed(value));
  put_member_text(answer, TEXT("upper"), upper(value));
  put_char(answer, '}');
}

// {"encode": text} -> {"base64": text}, {"decode": base64} -> {"text": text}
static void base64(json args, json_writer *answer) {
  text value;
  bool encode = json_string(json_member(args, TEXT("encode")), &value);
  json encoded = json_member(args, TEXT("decode"));
  if (!encode) {
    if (json_kind(encoded) != '"') return (void)refuse(answer, TEXT("decode"), "a string");
    if (!json_bytes(encoded, &value)) return (void)refuse(answer, TEXT("decode"), "base64");
    if (!utf8_valid(value)) return gk_fail(answer, "the bytes are no text", TEXT(""));
  }
  put_open(answer, '{');
  put_key(answer, encode ? TEXT("base64") : TEXT("text"));
  if (encode) put_base64(answer, value);
  else put_string(answer, value);
  put_char(answer, '}');
}

static text hexadecimal(uint64_t value, uint32_t digits) {
  char *start = scratch(digits);
  for (uint32_t i = 0; i < digits; i++)
    start[i] = "0123456789abcdef"[value >> 4 * (digits - 1 - i) & 15];
  return (text){start, digits};
}

static uint32_t crc32(text value) {
  uint32_t crc = ~0u;
  for (uint32_t i = 0; i < value.size; i++) {
    crc ^= (uint8_t)value.at[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

static uint64_t fnv1a(text value) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (uint32_t i = 0; i < value.size; i++)
    hash = (hash ^ (uint8_t)value.at[i]) * 0x100000001B3u;
  return hash;
}

// {"text": text} -> {"crc32": hex, "fnv1a": hex}
static void hash(json args, json_writer *answer) {
  text value;
  if (!need_text(args, TEXT("text"), &value, answer)) return;
  put_open(answer, '{');
  put_member_text(answer, TEXT("crc32"), hexadecimal(crc32(value), 8));
  put_member_text(answer, TEXT("fnv1a"), hexadecimal(fnv1a(value), 16));
  put_char(answer, '}');
}

// ---- state and memory

static int64_t calls, total;

// {"add": n}, of which 1 is the default -> {"calls": so far, "total": sum so far}
static void count(json args, json_writer *answer) {
  int64_t add = 1;
  if (json_member(args, TEXT("add")).size && !need_integer(args, TEXT("add"), &add, answer)) return;
  calls += 1;
  total += add;
  put_open(answer, '{');
  put_member_integer(answer, TEXT("calls"), calls);
  put_member_integer(answer, TEXT("total"), total);
  put_char(answer, '}');
}

// What a copy of the arguments looks like.
static void echo(json args, json_writer *answer) { put_json(answer, args.size ? args : TEXT("null")); }

// {"rounds": n} -> {"bytes": n, "check": hex}; makes and drops 20 texts a round
static void churn(json args, json_writer *answer) {
  int64_t rounds, bytes = 0;
  text joined = {0};
  if (!need_integer(args, TEXT("rounds"), &rounds, answer)) return;
  for (int64_t round = 0; round < rounds; round++) {
    gk_note *outer = scratch_notes;
    json_writer all = {0};
    for (int64_t i = 0; i < 20; i++) {
      json_writer *piece = scratch(sizeof(json_writer));
      *piece = (json_writer){0};
      put_integer(piece, round);
      put_char(piece, ':');
      put_digits(piece, (uint64_t)i, 1);
      scratch_adopt(piece->at);
      if (i) put_char(&all, ',');
      put_text(&all, (text){piece->at, piece->size});
    }
    scratch_free(outer);
    if (joined.at) gk_free((void *)joined.at);
    joined = (text){all.at, all.size};
    bytes += all.size;
  }
  put_open(answer, '{');
  put_member_integer(answer, TEXT("bytes"), bytes);
  put_member_text(answer, TEXT("check"), hexadecimal(crc32(joined), 8));
  put_char(answer, '}');
  if (joined.at) gk_free((void *)joined.at);
}

// Blocks and bytes that are not free, without those of this call.
static void alive(json args, json_writer *answer) {
  (void)args;
  gk_live live = heap_live();
  int64_t blocks = live.blocks, bytes = live.bytes;
  put_open(answer, '{');
  put_member_integer(answer, TEXT("blocks"), blocks);
  put_member_integer(answer, TEXT("bytes"), bytes);
  put_char(answer, '}');
}

// ---- the host

// {"query": sql, "args": [...]} -> {"rows": [...]}
static void query(json args, json_writer *answer) {
  text sql;
  json_cursor values;
  if (!need_text(args, TEXT("query"), &sql, answer)) return;
  if (!need_array(args, TEXT("args"), &values, answer)) return;
  json_writer request = {0};
  put_json(&request, args);
  json rows = gk_ask("db_query", &request);
  if (!rows.size) return gk_fail(answer, "db_query failed", TEXT(""));
  put_open(answer, '{');
  put_member_json(answer, TEXT("rows"), json_absent(rows) ? TEXT("[]") : rows);
  put_char(answer, '}');
}

// {"name": text, "value": any} -> {"affected": n}
static void store(json args, json_writer *answer) {
  text name;
  int64_t affected;
  if (!need_text(args, TEXT("name"), &name, answer)) return;
  json value = json_member(args, TEXT("value"));
  json_writer request = {0};
  put_open(&request, '{');
  put_member_text(&request, TEXT("query"), TEXT("INSERT INTO score (name, value) VALUES (?, ?)"));
  put_key(&request, TEXT("args"));
  put_open(&request, '[');
  put_string(&request, name);
  put_json(&request, value.size ? value : TEXT("null"));
  put_text(&request, TEXT("]}"));
  if (!json_integer(json_member(gk_ask("db_exec", &request), TEXT("affected")), &affected))
    return gk_fail(answer, "db_exec failed", TEXT(""));
  put_open(answer, '{');
  put_member_integer(answer, TEXT("affected"), affected);
  put_char(answer, '}');
}

static bool cache_set(text key, text value, int64_t ttl) {
  json_writer request = {0};
  put_open(&request, '{');
  put_member_text(&request, TEXT("key"), key);
  put_key(&request, TEXT("value"));
  put_base64(&request, value);
  put_member_integer(&request, TEXT("ttl"), ttl);
  put_char(&request, '}');
  return gk_ask("cache_set", &request).size != 0;
}

// {"key": text, "value": text, "ttl": seconds} -> {"kept": bool}
static void remember(json args, json_writer *answer) {
  text key, value;
  int64_t ttl;
  if (!need_text(args, TEXT("key"), &key, answer)) return;
  if (!need_text(args, TEXT("value"), &value, answer)) return;
  if (!need_integer(args, TEXT("ttl"), &ttl, answer)) return;
  bool kept = cache_set(key, value, ttl);
  put_open(answer, '{');
  put_member_bool(answer, TEXT("kept"), kept);
  put_char(answer, '}');
}

// {"key": text} -> {"found": false} or {"found": true, "value": text}
static void recall(json args, json_writer *answer) {
  text key, value;
  if (!need_text(args, TEXT("key"), &key, answer)) return;
  json_writer request = {0};
  put_open(&request, '{');
  put_member_text(&request, TEXT("key"), key);
  put_char(&request, '}');
  json response = gk_ask("cache_get", &request);
  bool found = json_kind(json_member(response, TEXT("found"))) == 't';
  put_open(answer, '{');
  put_member_bool(answer, TEXT("found"), found);
  if (found) {
    if (!json_bytes(json_member(response, TEXT("value")), &value) || !utf8_valid(value))
      return gk_fail(answer, "the bytes are no text", TEXT(""));
    put_member_text(answer, TEXT("value"), value);
  }
  put_char(answer, '}');
}

// {"url": text, "method": text, "headers": {...}, "body": text} -> {"body": text, "status": n}
static void fetch(json args, json_writer *answer) {
  text url, method, body;
  int64_t status;
  if (!need_text(args, TEXT("url"), &url, answer)) return;
  if (!json_string(json_member(args, TEXT("method")), &method)) method = TEXT("GET");
  json headers = json_member(args, TEXT("headers"));
  json_writer request = {0};
  put_open(&request, '{');
  put_member_text(&request, TEXT("method"), method);
  put_member_text(&request, TEXT("url"), url);
  put_member_json(&request, TEXT("headers"), json_kind(headers) == '{' ? headers : TEXT("{}"));
  if (json_string(json_member(args, TEXT("body")), &body)) {
    put_key(&request, TEXT("body"));
    put_base64(&request, body);
  }
  put_char(&request, '}');
  json response = gk_ask("http_request", &request);
  if (!json_integer(json_member(response, TEXT("status")), &status))
    return gk_fail(answer, "http_request failed", TEXT(""));
  if (!json_bytes(json_member(response, TEXT("body")), &body) || !utf8_valid(body))
    return gk_fail(answer, "the bytes are no text", TEXT(""));
  put_open(answer, '{');
  put_member_text(answer, TEXT("body"), body);
  put_member_integer(answer, TEXT("status"), status);
  put_char(answer, '}');
}

// {"level": n, "message": text} -> {"logged": true}
static void say(json args, json_writer *answer) {
  int64_t level;
  text message;
  if (!need_integer(args, TEXT("level"), &level, answer)) return;
  if (!need_text(args, TEXT("message"), &message, answer)) return;
  gk_log((uint32_t)level, message.at, message.size);
  put_open(answer, '{');
  put_member_bool(answer, TEXT("logged"), true);
  put_char(answer, '}');
}

// {"key": text, "args": [...]} -> {"text": text}
static void translate(json args, json_writer *answer) {
  text key, value;
  json_cursor values;
  if (!need_text(args, TEXT("key"), &key, answer)) return;
  if (!need_array(args, TEXT("args"), &values, answer)) return;
  json_writer request = {0};
  put_open(&request, '{');
  put_member_text(&request, TEXT("key"), key);
  put_member_json(&request, TEXT("args"), json_member(args, TEXT("args")));
  put_char(&request, '}');
  if (!json_string(json_member(gk_ask("translate", &request), TEXT("value")), &value))
    return gk_fail(answer, "translate failed", TEXT(""));
  put_open(answer, '{');
  put_member_text(answer, TEXT("text"), value);
  put_char(answer, '}');
}

static bool publish_event(text channel, text type, text data) {
  json_writer request = {0};
  put_open(&request, '{');
  put_member_text(&request, TEXT("channel"), channel);
  put_member_text(&request, TEXT("event_type"), type);
  put_member_text(&request, TEXT("data"), data);
  put_char(&request, '}');
  return gk_ask("publish_event", &request).size != 0;
}

// {"channel": text, "type": text, "data": text} -> {"published": bool}
static void publish(json args, json_writer *answer) {
  text channel, type, data;
  if (!need_text(args, TEXT("channel"), &channel, answer)) return;
  if (!need_text(args, TEXT("type"), &type, answer)) return;
  if (!need_text(args, TEXT("data"), &data, answer)) return;
  bool published = publish_event(channel, type, data);
  put_open(answer, '{');
  put_member_bool(answer, TEXT("published"), published);
  put_char(answer, '}');
}

// {"plugin": text, "function": text, "args": any} -> {"answer": any}
static void relay(json args, json_writer *answer) {
  text plugin, function;
  if (!need_text(args, TEXT("plugin"), &plugin, answer)) return;
  if (!need_text(args, TEXT("function"), &function, answer)) return;
  json_writer request = {0};
  put_json(&request, args);
  json response = gk_ask("plugin_call", &request);
  put_open(answer, '{');
  put_member_json(answer, TEXT("answer"), response.size ? response : TEXT("null"));
  put_char(answer, '}');
}

// Reads the scores from rows of name and value; false if a row is none.
static bool read_scores(json_cursor rows, item *items) {
  json row;
  for (; json_next(&rows, &row); items++) {
    *items = (item){.rank = 1};
    if (!json_number(json_member(row, TEXT("value")), &items->number)) return false;
    if (!json_string(json_member(row, TEXT("name")), &items->name)) return false;
  }
  return true;
}

// The scores in the database -> {"best": name, "count": n, "mean": x}, also to log, cache, channel
static void report(json args, json_writer *answer) {
  (void)args;
  json_writer request = {0};
  put_text(&request, TEXT("{\"query\":\"SELECT name, value FROM score ORDER BY name\"}"));
  json rows = gk_ask("db_query", &request);
  if (!rows.size) return gk_fail(answer, "db_query failed", TEXT(""));
  summary s = {.count = count_values(json_inside(rows, '['))};
  item *items = scratch(s.count * sizeof(item));
  if (!read_scores(json_inside(rows, '['), items))
    return gk_fail(answer, "a row is no score", TEXT(""));
  put_open(answer, '{');
  if (s.count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < s.count; i++)
      if (items[i].number > items[best].number) best = i;
    put_member_text(answer, TEXT("best"), items[best].name);
    summarise(items, &s);
  }
  put_member_integer(answer, TEXT("count"), s.count);
  if (s.count) put_member_number(answer, TEXT("mean"), s.mean);
  put_char(answer, '}');
  text done = {answer->at, answer->size};
  json_writer line = {0};
  put_text(&line, TEXT("scores: "));
  put_digits(&line, s.count, 1);
  gk_log(GK_INFO, line.at, line.size);
  gk_free(line.at);
  cache_set(TEXT("workshop.report"), done, 60);
  publish_event(TEXT("workshop"), TEXT("report"), done);
}

// ---- failing

static volatile int zero;

// Not inlined, not a tail call: each level has its frame.
__attribute__((noinline)) static int deeper(int depth) {
  return depth < 0 ? 0 : deeper(depth + 1) + *(volatile int *)&zero + 1;
}

// {"kind": "unreachable" | "divide" | "bounds" | "recurse" | "loop"}
static void fail(json args, json_writer *answer) {
  text kind;
  if (!need_text(args, TEXT("kind"), &kind, answer)) return;
  if (text_equal(kind, TEXT("unreachable"))) __builtin_trap();
  if (text_equal(kind, TEXT("divide"))) zero = (int)kind.size / zero;
  if (text_equal(kind, TEXT("bounds"))) zero = *(volatile int *)0xFFFFFFF0;
  if (text_equal(kind, TEXT("recurse"))) zero = deeper(0);
  while (text_equal(kind, TEXT("loop"))) zero = 0;
  refuse(answer, TEXT("kind"), "one that is known");
}

static const gk_entry handlers[] = {
    {"alive", alive},     {"base64", base64},       {"churn", churn},     {"count", count},
    {"echo", echo},       {"fail", fail},           {"fetch", fetch},     {"hash", hash},
    {"primes", primes},   {"publish", publish},     {"query", query},     {"recall", recall},
    {"relay", relay},     {"remember", remember},   {"report", report},   {"say", say},
    {"sort", sort},       {"stats", stats},         {"store", store},     {"translate", translate},
    {"words", words},     {0},
};
