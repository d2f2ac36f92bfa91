// The test plugin in AssemblyScript, the same as in C and Go; cases.json says what it answers.
import { allocate, ask, blocks, copyBytes, log, pack, release } from "./gk";
import {
  Json, Kind, MISSING, Members, fromBase64, isBlank, isText, parse, quote, textOf, toBase64,
} from "./json";

const MANIFEST = `{
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
      "de": {"workshop.title": "Werkstatt \\u2013 \\u00fcben"}
    }
  },
  "error_codes": [{"code": "workshop.range", "message": "result out of range", "http_status": 422}]
}`;

// ---- the contract

export function gk_malloc(size: usize): usize { return allocate(size); }

export function gk_free(address: usize): void { release(address); }

export function gk_register(): u64 { return pack(MANIFEST); }

export function gk_call(name: usize, nameSize: usize, args: usize, size: usize): u64 {
  const nameBytes = copyBytes(name, nameSize);
  const known = isText(nameBytes) ? textOf(nameBytes) : "?";
  if (!handlers.has(known)) return pack(failed("unknown function: " + known));
  let given = MISSING;
  if (size) {
    given = parse(copyBytes(args, size));
    if (given.missing) return pack(failed("invalid JSON"));
  }
  return pack(handlers.get(known)(given));
}

// ---- what handlers need again and again

function failed(message: string): string { return new Members().text("error", message).end(); }

/** Reads arguments and remembers the first that is not as it must be. */
class Wanted {
  answer: string = "";

  constructor(private args: Json) {}

  refuse(name: string, what: string): void {
    if (!this.answer.length) this.answer = failed(name + " must be " + what);
  }

  text(name: string): string {
    const found = this.args.member(name);
    if (found.kind != Kind.Text) this.refuse(name, "a string");
    return found.text;
  }

  integer(name: string): i64 {
    const found = this.args.member(name);
    if (found.isInteger) return found.integer;
    this.refuse(name, "an integer");
    return 0;
  }

  array(name: string): Json[] {
    const found = this.args.member(name);
    if (found.kind != Kind.Array) this.refuse(name, "an array");
    return found.items;
  }
}

/** The order of the characters, where the order of 16-bit units is another. */
function compare(a: string, b: string): i32 {
  const size = min(a.length, b.length);
  for (let i = 0; i < size; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x == y) continue;
    const low = (x & 0xF800) == 0xD800, lower = (y & 0xF800) == 0xD800;
    return low == lower ? x - y : low ? 1 : -1;
  }
  return a.length - b.length;
}

// ---- sorting

/** A record with what it is sorted by. Rank 0: neither, 1: by number, 2: by name. */
class Item {
  constructor(
    public source: string, public rank: i32, public number: f64 = 0, public name: string = "",
  ) {}
}

function byKey(a: Item, b: Item): i32 {
  if (a.rank != b.rank) return a.rank - b.rank;
  if (a.rank == 1) return a.number < b.number ? -1 : i32(a.number > b.number);
  return compare(a.name, b.name);
}

/** Sorts by merging, since Array.sort need not keep the order of equal items. */
function sorted(items: Item[], order: (a: Item, b: Item) => i32): Item[] {
  if (items.length < 2) return items;
  const half = items.length >> 1;
  const left = sorted(items.slice(0, half), order), right = sorted(items.slice(half), order);
  const result: Item[] = [];
  let i = 0, k = 0;
  while (i < left.length || k < right.length) {
    const takeLeft = k == right.length || (i < left.length && order(left[i], right[k]) <= 0);
    result.push(takeLeft ? left[i++] : right[k++]);
  }
  return result;
}

function sort(args: Json): string {
  const need = new Wanted(args), records = need.array("records"), by = need.text("by");
  if (need.answer.length) return need.answer;
  let items: Item[] = [];
  for (let i = 0; i < records.length; i++) {
    const key = records[i].member(by), item = new Item(records[i].source, 0);
    if (!isNaN(key.number)) {
      item.rank = 1;
      item.number = key.number;
    }
    if (key.kind == Kind.Text) {
      item.rank = 2;
      item.name = key.text;
    }
    items.push(item);
  }
  const down = args.member("descending").kind == Kind.True;
  items = sorted(items, down ? (a: Item, b: Item): i32 => byKey(b, a) : byKey);
  const sources = items.map<string>((item) => item.source);
  return new Members().json("records", "[" + sources.join(",") + "]").end();
}

// ---- numbers

const EXACT: f64 = 9007199254740992;

class Summary {
  sum: f64 = 0;
  mean: f64 = 0;
  variance: f64 = 0;
  min: f64 = 0;
  median: f64 = 0;
  max: f64 = 0;

  /** Sorts the numbers. */
  constructor(numbers: f64[]) {
    const count = numbers.length, half = count >> 1;
    for (let i = 0; i < count; i++) this.sum += numbers[i];
    this.mean = this.sum / <f64>count;
    for (let i = 0; i < count; i++) {
      const off = numbers[i] - this.mean;
      this.variance += off * off;
    }
    this.variance /= <f64>count;
    numbers.sort((a, b) => a < b ? -1 : i32(a > b));
    this.min = numbers[0];
    this.max = numbers[count - 1];
    this.median = count & 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
  }
}

function stats(args: Json): string {
  const need = new Wanted(args), items = need.array("numbers");
  if (need.answer.length) return need.answer;
  const numbers: f64[] = [];
  for (let i = 0; i < items.length; i++) {
    const number = items[i].number;
    if (isNaN(number)) return failed("numbers must hold numbers up to 2^53");
    numbers.push(number);
  }
  const answer = new Members().integer("count", numbers.length);
  if (!numbers.length) return answer.end();
  const s = new Summary(numbers);
  if (abs(s.sum) > EXACT || s.variance > EXACT) return failed("result out of range");
  return answer
    .number("max", s.max)
    .number("mean", s.mean)
    .number("median", s.median)
    .number("min", s.min)
    .number("sum", s.sum)
    .number("variance", s.variance)
    .end();
}

function primes(args: Json): string {
  const need = new Wanted(args), limit = <i32>clamp(need.integer("limit"));
  if (limit < 0 || limit > 100000) need.refuse("limit", "from 0 to 100000");
  if (need.answer.length) return need.answer;
  const composite = new StaticArray<bool>(limit);
  let count = 0, last = 0;
  for (let i = 2; i < limit; i++) {
    if (composite[i]) continue;
    count++;
    last = i;
    for (let k = <i64>i * i; k < limit; k += i) composite[<i32>k] = true;
  }
  return new Members().integer("count", count).integer("last", last).end();
}

function clamp(number: i64): i64 { return max(min(number, i32.MAX_VALUE), i32.MIN_VALUE); }

// ---- text

function isHigh(unit: i32): bool { return (unit & 0xFC00) == 0xD800; }

function countCharacters(text: string): i32 {
  let count = 0;
  for (let i = 0; i < text.length; i++) count += i32((text.charCodeAt(i) & 0xFC00) != 0xDC00);
  return count;
}

function split(text: string): string[] {
  const words: string[] = [];
  for (let start = 0, at = 0; at <= text.length; at++) {
    if (at < text.length && !isBlank(text.charCodeAt(at))) continue;
    if (at > start) words.push(text.substring(start, at));
    start = at + 1;
  }
  return words;
}

function reversed(text: string): string {
  const characters: string[] = [];
  for (let i = 0; i < text.length; i++) {
    const size = 1 + i32(isHigh(text.charCodeAt(i)));
    characters.push(text.substring(i, i + size));
    i += size - 1;
  }
  return characters.reverse().join("");
}

function upper(text: string): string {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    result += String.fromCharCode(c >= 0x61 && c <= 0x7A ? c - 0x20 : c);
  }
  return result;
}

function countsOf(words: string[]): string {
  const counts = new Map<string, i32>();
  for (let i = 0; i < words.length; i++)
    counts.set(words[i], counts.has(words[i]) ? counts.get(words[i]) + 1 : 1);
  let items: Item[] = [];
  const kinds = counts.keys();
  for (let i = 0; i < kinds.length; i++)
    items.push(new Item("", 1, <f64>counts.get(kinds[i]), kinds[i]));
  items = sorted(items, (a, b) => <i32>(b.number - a.number) || compare(a.name, b.name));
  const pairs = items.map<string>((item) => `[${quote(item.name)},${<i32>item.number}]`);
  return "[" + pairs.join(",") + "]";
}

function words(args: Json): string {
  const need = new Wanted(args), text = need.text("text");
  if (need.answer.length) return need.answer;
  const all = split(text);
  let longest = "", lines = i32(text.length > 0);
  for (let i = 0; i < all.length; i++)
    if (countCharacters(all[i]) > countCharacters(longest)) longest = all[i];
  for (let i = 0; i < text.length; i++) lines += i32(text.charCodeAt(i) == 10);
  return new Members()
    .integer("bytes", String.UTF8.byteLength(text))
    .integer("characters", countCharacters(text))
    .json("counts", countsOf(all))
    .integer("lines", lines)
    .text("longest", longest)
    .text("reversed", reversed(text))
    .text("upper", upper(text))
    .end();
}

function base64(args: Json): string {
  const plain = args.member("encode");
  if (plain.kind == Kind.Text) return new Members().text("base64", toBase64(plain.text)).end();
  const need = new Wanted(args), bytes = fromBase64(need.text("decode"));
  if (!bytes) need.refuse("decode", "base64");
  if (need.answer.length || !bytes) return need.answer;
  if (!isText(bytes)) return failed("the bytes are no text");
  return new Members().text("text", textOf(bytes)).end();
}

function crc32(bytes: Uint8Array): u32 {
  let crc: u32 = ~0;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i];
    for (let k = 0; k < 8; k++) crc = (crc >> 1) ^ (0xEDB88320 & -(crc & 1));
  }
  return ~crc;
}

function fnv1a(bytes: Uint8Array): u64 {
  let hash: u64 = 0xCBF29CE484222325;
  for (let i = 0; i < bytes.length; i++) hash = (hash ^ bytes[i]) * 0x100000001B3;
  return hash;
}

function bytesOf(text: string): Uint8Array { return Uint8Array.wrap(String.UTF8.encode(text)); }

function hexadecimal(number: u64, digits: i32): string {
  return number.toString(16).padStart(digits, "0");
}

function hash(args: Json): string {
  const need = new Wanted(args), bytes = bytesOf(need.text("text"));
  if (need.answer.length) return need.answer;
  return new Members()
    .text("crc32", hexadecimal(crc32(bytes), 8))
    .text("fnv1a", hexadecimal(fnv1a(bytes), 16))
    .end();
}

// ---- state and memory

let calls: i64 = 0, total: i64 = 0;

function count(args: Json): string {
  let add: i64 = 1;
  if (!args.member("add").missing) {
    const need = new Wanted(args);
    add = need.integer("add");
    if (need.answer.length) return need.answer;
  }
  calls += 1;
  total += add;
  return new Members().integer("calls", calls).integer("total", total).end();
}

function echo(args: Json): string { return args.missing ? "null" : args.source; }

function churn(args: Json): string {
  const need = new Wanted(args), rounds = need.integer("rounds");
  if (need.answer.length) return need.answer;
  let bytes = 0, joined = "";
  for (let round: i64 = 0; round < rounds; round++) {
    const pieces: string[] = [];
    for (let i = 0; i < 20; i++) pieces.push(round.toString() + ":" + i.toString());
    joined = pieces.join(",");
    bytes += joined.length;
  }
  return new Members()
    .integer("bytes", bytes)
    .text("check", hexadecimal(crc32(bytesOf(joined)), 8))
    .end();
}

class Probe {}

/**
 * Counts what the collector has left: live objects form a ring, and each has a header of which 16
 * bytes before the object is the address of the next header (with two bits of colour), 4 bytes
 * before the object its size.
 */
function alive(args: Json): string {
  const probe = new Probe();
  __collect();
  const first = changetype<usize>(probe) - 20;
  let objects = 0, bytes = 0;
  for (let at = load<usize>(first + 4) & ~3; at != first; at = load<usize>(at + 4) & ~3) {
    objects++;
    bytes += load<u32>(at + 16);
  }
  return new Members().integer("blocks", blocks.size + objects).integer("bytes", bytes).end();
}

// ---- the host

function query(args: Json): string {
  const need = new Wanted(args);
  need.text("query");
  need.array("args");
  if (need.answer.length) return need.answer;
  const rows = parse(ask("db_query", args.source));
  if (rows.missing) return failed("db_query failed");
  return new Members().json("rows", rows.kind == Kind.Null ? "[]" : rows.source).end();
}

function store(args: Json): string {
  const need = new Wanted(args), name = need.text("name"), value = args.member("value");
  if (need.answer.length) return need.answer;
  const request = new Members()
    .text("query", "INSERT INTO score (name, value) VALUES (?, ?)")
    .json("args", `[${quote(name)},${value.missing ? "null" : value.source}]`)
    .end();
  const affected = parse(ask("db_exec", request)).member("affected");
  if (!affected.isInteger) return failed("db_exec failed");
  return new Members().integer("affected", affected.integer).end();
}

function cacheSet(key: string, text: string, ttl: i64): bool {
  const request = new Members().text("key", key).text("value", toBase64(text)).integer("ttl", ttl);
  return !parse(ask("cache_set", request.end())).missing;
}

function remember(args: Json): string {
  const need = new Wanted(args);
  const key = need.text("key"), text = need.text("value"), ttl = need.integer("ttl");
  if (need.answer.length) return need.answer;
  return new Members().bool("kept", cacheSet(key, text, ttl)).end();
}

/** The bytes of a base64 member; null, JSON's, is no bytes, and null, ours, is no base64. */
function bytesIn(value: Json): Uint8Array | null {
  if (value.kind == Kind.Null) return new Uint8Array(0);
  return value.kind == Kind.Text ? fromBase64(value.text) : null;
}

function recall(args: Json): string {
  const need = new Wanted(args), key = need.text("key");
  if (need.answer.length) return need.answer;
  const response = parse(ask("cache_get", new Members().text("key", key).end()));
  if (response.member("found").kind != Kind.True) return new Members().bool("found", false).end();
  const bytes = bytesIn(response.member("value"));
  if (!bytes || !isText(bytes)) return failed("the bytes are no text");
  return new Members().bool("found", true).text("value", textOf(bytes)).end();
}

function fetch(args: Json): string {
  const need = new Wanted(args), url = need.text("url");
  if (need.answer.length) return need.answer;
  const method = args.member("method"), headers = args.member("headers"), body = args.member("body");
  const request = new Members()
    .text("method", method.kind == Kind.Text ? method.text : "GET")
    .text("url", url)
    .json("headers", headers.kind == Kind.Object ? headers.source : "{}");
  if (body.kind == Kind.Text) request.text("body", toBase64(body.text));
  const response = parse(ask("http_request", request.end())), status = response.member("status");
  if (!status.isInteger) return failed("http_request failed");
  const bytes = bytesIn(response.member("body"));
  if (!bytes || !isText(bytes)) return failed("the bytes are no text");
  return new Members().text("body", textOf(bytes)).integer("status", status.integer).end();
}

function say(args: Json): string {
  const need = new Wanted(args), level = need.integer("level"), message = need.text("message");
  if (need.answer.length) return need.answer;
  log(<u32>level, message);
  return new Members().bool("logged", true).end();
}

function translate(args: Json): string {
  const need = new Wanted(args), key = need.text("key");
  need.array("args");
  if (need.answer.length) return need.answer;
  const request = new Members().text("key", key).json("args", args.member("args").source).end();
  const text = parse(ask("translate", request)).member("value");
  if (text.kind != Kind.Text) return failed("translate failed");
  return new Members().text("text", text.text).end();
}

function publishEvent(channel: string, type: string, data: string): bool {
  const request = new Members()
    .text("channel", channel)
    .text("event_type", type)
    .text("data", data);
  return !parse(ask("publish_event", request.end())).missing;
}

function publish(args: Json): string {
  const need = new Wanted(args);
  const channel = need.text("channel"), type = need.text("type"), data = need.text("data");
  if (need.answer.length) return need.answer;
  return new Members().bool("published", publishEvent(channel, type, data)).end();
}

function relay(args: Json): string {
  const need = new Wanted(args);
  need.text("plugin");
  need.text("function");
  if (need.answer.length) return need.answer;
  const response = parse(ask("plugin_call", args.source));
  return new Members().json("answer", response.missing ? "null" : response.source).end();
}

function report(args: Json): string {
  const rows = parse(ask("db_query", '{"query":"SELECT name, value FROM score ORDER BY name"}'));
  if (rows.missing) return failed("db_query failed");
  const numbers: f64[] = [];
  let best = "", top = -Infinity;
  for (let i = 0; i < rows.items.length; i++) {
    const name = rows.items[i].member("name"), number = rows.items[i].member("value").number;
    if (name.kind != Kind.Text || isNaN(number)) return failed("a row is no score");
    if (number > top) {
      best = name.text;
      top = number;
    }
    numbers.push(number);
  }
  const answer = new Members();
  if (numbers.length) answer.text("best", best);
  answer.integer("count", numbers.length);
  if (numbers.length) answer.number("mean", new Summary(numbers).mean);
  const done = answer.end();
  log(1, "scores: " + numbers.length.toString());
  cacheSet("workshop.report", done, 60);
  publishEvent("workshop", "report", done);
  return done;
}

// ---- failing

let zero = 0;

function deeper(depth: i32): i32 { return depth < 0 ? 0 : deeper(depth + 1) + zero + 1; }

function fail(args: Json): string {
  const need = new Wanted(args), kind = need.text("kind");
  if (need.answer.length) return need.answer;
  if (kind == "unreachable") unreachable();
  if (kind == "divide") zero = 1 / zero;
  if (kind == "bounds") zero = load<i32>(0xFFFFFFF0);
  if (kind == "recurse") zero = deeper(0);
  if (kind == "loop") while (true) zero = 0;
  need.refuse("kind", "one that is known");
  return need.answer;
}

const handlers = new Map<string, (args: Json) => string>();
handlers.set("alive", alive);
handlers.set("base64", base64);
handlers.set("churn", churn);
handlers.set("count", count);
handlers.set("echo", echo);
handlers.set("fail", fail);
handlers.set("fetch", fetch);
handlers.set("hash", hash);
handlers.set("primes", primes);
handlers.set("publish", publish);
handlers.set("query", query);
handlers.set("recall", recall);
handlers.set("relay", relay);
handlers.set("remember", remember);
handlers.set("report", report);
handlers.set("say", say);
handlers.set("sort", sort);
handlers.set("stats", stats);
handlers.set("store", store);
handlers.set("translate", translate);
handlers.set("words", words);
