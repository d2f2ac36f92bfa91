// JSON as a tree of nodes, read from UTF-8, and written as the other guests write it.

export enum Kind { Missing, Null, False, True, Number, Text, Array, Object }

const MAX_DEPTH: i32 = 10000;
const EXACT: u64 = 1 << 53; // integers up to here are exact in 64-bit floats

const NO_KEYS: string[] = [];
const NO_ITEMS: Json[] = [];
const NO_SOURCE = new StaticArray<u16>(0);

export class Json {
  text: string = "";
  /** The whole text without blanks, and where this value is in it. */
  compact: StaticArray<u16> = NO_SOURCE;
  start: i32 = 0;
  end: i32 = 0;
  keys: string[];
  items: Json[];

  constructor(public kind: Kind) {
    this.keys = kind == Kind.Object ? [] : NO_KEYS;
    this.items = kind >= Kind.Array ? [] : NO_ITEMS;
  }

  /** Without the blanks between its parts. */
  get source(): string {
    const from = changetype<usize>(this.compact) + (<usize>this.start << 1);
    return String.UTF16.decodeUnsafe(from, <usize>(this.end - this.start) << 1);
  }

  get missing(): bool { return this.kind == Kind.Missing; }

  /** The last one if there are several of that name. */
  member(name: string): Json {
    const at = this.kind == Kind.Object ? this.keys.lastIndexOf(name) : -1;
    return at < 0 ? MISSING : this.items[at];
  }

  /** Whether the number has no fraction and no exponent and fits into 64 bits; see integer. */
  get isInteger(): bool {
    if (this.kind != Kind.Number) return false;
    const negative = this.source.startsWith("-");
    const limit: u64 = negative ? 1 << 63 : i64.MAX_VALUE;
    let size: u64 = 0;
    for (let i: i32 = negative; i < this.source.length; i++) {
      const digit = <u64>this.source.charCodeAt(i) - 48;
      if (digit > 9 || size > (limit - digit) / 10) return false;
      size = size * 10 + digit;
    }
    return true;
  }

  get integer(): i64 { return I64.parseInt(this.source); }

  /**
   * The number, or NaN unless its digits make an integer up to 2^53, its power of ten is within 22
   * and it is not above 2^53: one exact operation gives the nearest float then.
   */
  get number(): f64 {
    if (this.kind != Kind.Number) return NaN;
    let digits: u64 = 0, power = 0, fraction = 0, at = 0;
    const source = this.source, negative = source.startsWith("-");
    for (at = negative; at < source.length; at++) {
      const c = source.charCodeAt(at);
      if (c == 0x2E) fraction = 1;
      if (c == 0x45 || c == 0x65) break;
      if (c == 0x2E) continue;
      digits = digits * 10 + <u64>(c - 48);
      if (digits > EXACT) return NaN;
      power -= fraction;
    }
    if (at < source.length) power += exponent(source.substring(at + 1));
    if (power < -22 || power > 22) return NaN;
    let scale = 1.0;
    for (let i = abs(power); i > 0; i--) scale *= 10; // exact up to 10^22
    const size = power < 0 ? <f64>digits / scale : <f64>digits * scale;
    if (size > <f64>EXACT) return NaN;
    return negative ? -size : size;
  }
}

export const MISSING = new Json(Kind.Missing);

function exponent(source: string): i32 {
  const signed = source.startsWith("-") || source.startsWith("+");
  let size = 0;
  for (let i: i32 = signed; i < source.length; i++)
    if (size < 100000) size = size * 10 + source.charCodeAt(i) - 48;
  return source.startsWith("-") ? -size : size;
}

/** How many bytes the UTF-8 character at a place has; 0 if it is none (RFC 3629). */
function utf8Size(bytes: Uint8Array, at: i32): i32 {
  const lead: u32 = bytes[at];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (at + size > bytes.length) return 0;
  let point = lead & (0x7F >> size);
  for (let i = 1; i < size; i++) {
    if ((bytes[at + i] & 0xC0) != 0x80) return 0;
    point = (point << 6) | (bytes[at + i] & 0x3F);
  }
  const smallest: u32 = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
  const surrogate = point >= 0xD800 && point < 0xE000;
  return point < smallest || surrogate || point > 0x10FFFF ? 0 : size;
}

export function isText(bytes: Uint8Array): bool {
  for (let at = 0; at < bytes.length;) {
    const size = utf8Size(bytes, at);
    if (!size) return false;
    at += size;
  }
  return true;
}

export function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

export function isBlank(c: i32): bool { return c == 0x20 || c == 9 || c == 10 || c == 13; }

/** Reads one value; a loop, so that deep nesting needs no deep calls. */
class Reader {
  private at: i32 = 0;
  private failed: bool = false;
  private compact: StaticArray<u16>;
  private size: i32 = 0; // of the compact text so far

  constructor(private source: string) { this.compact = new StaticArray<u16>(source.length); }

  private peek(): i32 { return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1; }

  private blanks(): void { while (isBlank(this.peek())) this.at++; }

  private take(c: i32): bool {
    if (this.peek() != c) return false;
    this.at++;
    return true;
  }

  /** Takes a bracket, comma or colon into the compact text. */
  private mark(c: i32): bool {
    if (!this.take(c)) return false;
    this.compact[this.size++] = <u16>c;
    return true;
  }

  /** Takes what was read since `from` into the compact text. */
  private keep(node: Json, from: i32): Json {
    node.compact = this.compact;
    node.start = this.size;
    while (from < this.at) this.compact[this.size++] = <u16>this.source.charCodeAt(from++);
    node.end = this.size;
    return node;
  }

  private fail(): Json {
    this.failed = true;
    return MISSING;
  }

  private word(word: string, kind: Kind): Json {
    if (!this.source.startsWith(word, this.at)) return this.fail();
    this.at += word.length;
    return this.keep(new Json(kind), this.at - word.length);
  }

  private digits(): bool {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    return this.at > start;
  }

  private number(): Json {
    const start = this.at;
    this.take(0x2D); // -
    if (!this.take(0x30) && !this.digits()) return this.fail();
    if (this.take(0x2E) && !this.digits()) return this.fail();
    if (this.take(0x65) || this.take(0x45)) {
      if (!this.take(0x2B)) this.take(0x2D);
      if (!this.digits()) return this.fail();
    }
    return this.keep(new Json(Kind.Number), start);
  }

  private unit(): i32 {
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      const c = this.peek(), letter = c | 0x20;
      if (c >= 0x30 && c <= 0x39) unit = unit * 16 + c - 0x30;
      else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x61 + 10;
      else return -1;
      this.at++;
    }
    return unit;
  }

  /** What follows a backslash. Surrogates that are no pair become U+FFFD. */
  private escape(): string {
    const c = this.peek();
    this.at++;
    switch (c) {
      case 0x22: case 0x5C: case 0x2F: return String.fromCharCode(c);
      case 0x62: return "\b";
      case 0x66: return "\f";
      case 0x6E: return "\n";
      case 0x72: return "\r";
      case 0x74: return "\t";
    }
    const unit = c == 0x75 ? this.unit() : -1;
    if (unit < 0) this.failed = true;
    if (unit < 0xD800 || unit > 0xDFFF) return String.fromCharCode(unit);
    const kept = this.at;
    if (unit < 0xDC00 && this.take(0x5C) && this.take(0x75)) {
      const low = this.unit();
      if (low >= 0xDC00 && low <= 0xDFFF) return String.fromCharCode(unit, low);
    }
    this.at = kept;
    return "\uFFFD";
  }

  private text(): Json {
    const start = this.at, node = new Json(Kind.Text);
    if (!this.take(0x22)) return this.fail();
    let plain = this.at;
    while (!this.failed) {
      const c = this.peek();
      if (c < 0x20) return this.fail();
      if (c != 0x22 && c != 0x5C) {
        this.at++;
        continue;
      }
      node.text += this.source.substring(plain, this.at);
      this.at++;
      if (c == 0x22) break;
      node.text += this.escape();
      plain = this.at;
    }
    return this.keep(node, start);
  }

  private scalar(): Json {
    switch (this.peek()) {
      case 0x22: return this.text();
      case 0x74: return this.word("true", Kind.True);
      case 0x66: return this.word("false", Kind.False);
      case 0x6E: return this.word("null", Kind.Null);
    }
    return this.number();
  }

  private key(node: Json): void {
    this.blanks();
    node.keys.push(this.text().text);
    this.blanks();
    if (!this.mark(0x3A)) this.failed = true;
  }

  private bracket(kind: Kind): Json {
    const node = new Json(kind);
    node.compact = this.compact;
    node.start = this.size - 1;
    return node;
  }

  /** The value, a missing one if the text is no JSON. */
  read(): Json {
    const open: Json[] = [];
    while (!this.failed) {
      this.blanks();
      let node: Json, depth = open.length;
      if (this.mark(0x7B)) open.push(this.bracket(Kind.Object));
      else if (this.mark(0x5B)) open.push(this.bracket(Kind.Array));
      if (open.length > depth) {
        node = open[depth];
        this.blanks();
        if (depth == MAX_DEPTH) break;
        if (this.peek() != this.closing(node)) { // not empty
          if (node.kind == Kind.Object) this.key(node);
          continue;
        }
      } else {
        node = this.scalar();
        if (depth) open[depth - 1].items.push(node);
      }
      while (!this.failed) { // after a value
        this.blanks();
        depth = open.length;
        if (!depth) return this.at == this.source.length ? node : this.fail();
        node = open[depth - 1];
        if (this.mark(0x2C)) {
          if (node.kind == Kind.Object) this.key(node);
          break;
        }
        if (!this.mark(this.closing(node))) return this.fail();
        node.end = this.size;
        open.pop();
        if (depth > 1) open[depth - 2].items.push(node);
      }
    }
    return MISSING;
  }

  private closing(node: Json): i32 { return node.kind == Kind.Object ? 0x7D : 0x5D; }
}

/** The value of a text in UTF-8; a missing one if it is no JSON. */
export function parse(bytes: Uint8Array): Json {
  return isText(bytes) ? new Reader(textOf(bytes)).read() : MISSING;
}

// ---- writing

export function quote(text: string): string {
  let result = '"', plain = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5C) continue;
    result += text.substring(plain, i) + escaped(c);
    plain = i + 1;
  }
  return result + text.substring(plain) + '"';
}

function escaped(c: i32): string {
  switch (c) {
    case 8: return "\\b";
    case 9: return "\\t";
    case 10: return "\\n";
    case 12: return "\\f";
    case 13: return "\\r";
    case 0x22: return '\\"';
    case 0x5C: return "\\\\";
  }
  return "\\u" + c.toString(16).padStart(4, "0");
}

/** At most six decimals, rounded half up, without zeros at the end. */
function decimal(number: f64): string {
  const size = abs(number);
  let whole = <u64>size;
  let millionths = <u64>((size - <f64>whole) * 1e6 + 0.5);
  if (millionths == 1000000) {
    whole += 1;
    millionths = 0;
  }
  let result = whole.toString();
  if (millionths) {
    let decimals = millionths.toString().padStart(6, "0"), end = 6;
    while (decimals.charCodeAt(end - 1) == 0x30) end--;
    result += "." + decimals.substring(0, end);
  }
  return number < 0 && (whole || millionths) ? "-" + result : result;
}

/** An object in the making. */
export class Members {
  private parts: string[] = [];

  json(name: string, source: string): this {
    this.parts.push(quote(name) + ":" + source);
    return this;
  }

  text(name: string, text: string): this { return this.json(name, quote(text)); }
  integer(name: string, number: i64): this { return this.json(name, number.toString()); }
  number(name: string, number: f64): this { return this.json(name, decimal(number)); }
  bool(name: string, truth: bool): this { return this.json(name, truth ? "true" : "false"); }

  end(): string { return "{" + this.parts.join(",") + "}"; }
}

// ---- base64 (RFC 4648)

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function toBase64(text: string): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  let result = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    let group: u32 = 0;
    for (let k = 0; k < 3; k++) group = (group << 8) | (k < left ? <u32>bytes[i + k] : 0);
    for (let k = 0; k < 4; k++)
      result += k <= left ? ALPHABET.charAt((group >> (18 - 6 * k)) & 63) : "=";
  }
  return result;
}

/** The bytes of base64; null if it is none. */
export function fromBase64(encoded: string): Uint8Array | null {
  if (encoded.length % 4) return null;
  let padding = 0;
  while (padding < 2 && encoded.charAt(encoded.length - 1 - padding) == "=") padding++;
  const bytes = new Uint8Array(encoded.length / 4 * 3);
  for (let i = 0, to = 0; i < encoded.length; i += 4) {
    let group: u32 = 0;
    for (let k = 0; k < 4; k++) {
      const padded = i + k >= encoded.length - padding;
      const digit = padded ? 0 : ALPHABET.indexOf(encoded.charAt(i + k));
      if (digit < 0) return null;
      group = (group << 6) | digit;
    }
    for (let k = 0; k < 3; k++) bytes[to++] = <u8>(group >> (16 - 8 * k));
  }
  return bytes.subarray(0, bytes.length - padding);
}
