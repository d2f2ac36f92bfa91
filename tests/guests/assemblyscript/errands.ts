// The errands plugin in AssemblyScript; tests/plugin/test_toolchains.py says what it answers.
import { allocate, hostCall, hostLog, pack, release } from "./gk";

const MANIFEST = `{"name":"errands","version":"1.0.0",
"description":"Runs errands, the same in every language",
"author":"pywasmgk","license":"Apache-2.0","homepage":"",
"routes":[{"method":"POST","path":"/errands/sum","handler":"sum"}],
"error_codes":[{"code":"errands.numbers","message":"numbers expected","http_status":422}]}`;

// ---- reading: bytes where they lie, which need be no text

class Bytes {
  constructor(public at: usize, public size: usize) {}

  /** The first byte; -1 where there is none. */
  get first(): i32 { return this.size ? <i32>load<u8>(this.at) : -1; }

  drop(count: usize): void {
    this.at += count;
    this.size -= count;
  }

  take(c: i32): bool {
    if (this.first != c) return false;
    this.drop(1);
    return true;
  }

  /** Takes up to 18 digits, which fit into 64 bits; -1 if there is none, or there are more. */
  takeDigits(): i64 {
    let value: i64 = 0, count = 0;
    for (; isDigit(this.first); this.drop(1), count++)
      if (count < 18) value = value * 10 + (this.first - 0x30);
    return count >= 1 && count <= 18 ? value : -1;
  }

  is(text: string): bool {
    const wanted = String.UTF8.encode(text);
    return this.size == wanted.byteLength
      && memory.compare(this.at, changetype<usize>(wanted), this.size) == 0;
  }
}

const NOTHING = new Bytes(0, 0);

function isDigit(c: i32): bool { return c >= 0x30 && c <= 0x39; }

// ---- writing

function copied(bytes: Bytes): u64 {
  if (!bytes.size) return 0;
  const block = allocate(bytes.size);
  memory.copy(block, bytes.at, bytes.size);
  return (<u64>block << 32) | <u64>bytes.size;
}

function hex(value: u64, digits: i32): string {
  let text = "";
  while (digits--) text += "0123456789abcdef".charAt(<i32>(value >> (4 * digits) & 15));
  return text;
}

/** Bytes that are no ASCII pass as they are, be they text or not: so not by way of a string. */
function failed(message: string, detail: Bytes = NOTHING): u64 {
  const start = String.UTF8.encode(`{"error":"${message}`);
  // an escape has six characters
  const block = allocate(<usize>start.byteLength + 6 * detail.size + 2);
  memory.copy(block, changetype<usize>(start), start.byteLength);
  let out = block + start.byteLength;
  for (let i: usize = 0; i < detail.size; i++) {
    const c = load<u8>(detail.at + i);
    if (c < 0x20) {
      const code = String.UTF8.encode("\\u" + hex(c, 4));
      memory.copy(out, changetype<usize>(code), 6);
      out += 6;
      continue;
    }
    if (c == 0x22 || c == 0x5C) store<u8>(out++, 0x5C);
    store<u8>(out++, c);
  }
  store<u8>(out++, 0x22);
  store<u8>(out++, 0x7D);
  return (<u64>block << 32) | <u64>(out - block);
}

// ---- handlers

let calls: u64 = 0;

function count(): u64 { return pack(`{"calls":${++calls}}`); }

/** [1,-2] without blanks; the sum wraps at 64 bits. */
function sum(args: Bytes): u64 {
  let total: i64 = 0, numbers = 0, good = args.take(0x5B);
  if (good && !args.take(0x5D)) {
    do {
      const negative = args.take(0x2D), number = args.takeDigits();
      good = number >= 0;
      total += negative ? -number : number;
      numbers++;
    } while (good && args.take(0x2C));
    good = good && args.take(0x5D);
  }
  if (!good || args.size) return failed("numbers expected");
  return pack(`{"count":${numbers},"sum":${total}}`);
}

/** Thousandths of the square root, rounded down. */
function root(args: Bytes): u64 {
  const number = args.takeDigits();
  if (number < 0 || args.size) return failed("number expected");
  return pack(`{"root":${<i64>(Math.sqrt(<f64>number) * 1000)}}`);
}

function hash(args: Bytes): u64 {
  let crc: u32 = ~0, fnv1a: u64 = 0xCBF29CE484222325;
  for (let i: usize = 0; i < args.size; i++) {
    const byte = load<u8>(args.at + i);
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
    fnv1a = (fnv1a ^ byte) * 0x100000001B3;
  }
  return pack(`{"crc32":"${hex(~crc, 8)}","fnv1a":"${hex(fnv1a, 16)}"}`);
}

/** A digit, then the message. */
function note(args: Bytes): u64 {
  const level = args.first;
  if (!isDigit(level)) return failed("level expected");
  args.drop(1);
  hostLog(level - 0x30, args.at, args.size);
  return pack(`{"noted":${args.size}}`);
}

/** NAME REQUEST: what the host answers, which is ours to hand on. */
function ask(args: Bytes): u64 {
  const name = new Bytes(args.at, 0);
  while (args.first >= 0 && args.first != 0x20) args.drop(1);
  name.size = args.at - name.at;
  args.take(0x20);
  const answer = hostCall(name.at, name.size, args.at, args.size);
  return answer ? answer : failed("host call failed: ", name);
}

let zero: u32 = 0;

function deeper(depth: u32): u32 { return depth == ~0 ? 0 : deeper(depth + 1) + zero + 1; }

function fail(args: Bytes): u64 {
  if (args.is("unreachable")) unreachable();
  if (args.is("divide")) zero = 1 / zero;
  if (args.is("bounds")) zero = load<u32>(0xFFFFFFF0);
  if (args.is("recurse")) zero = deeper(0);
  while (args.is("loop")) zero = 0;
  return failed("unknown kind: ", args);
}

// ---- the contract

export function gk_malloc(size: usize): usize { return allocate(size); }

export function gk_free(address: usize): void { release(address); }

export function gk_register(): u64 { return pack(MANIFEST); }

export function gk_call(name: usize, nameSize: usize, given: usize, size: usize): u64 {
  const called = new Bytes(name, nameSize), args = new Bytes(given, size);
  if (called.is("ask")) return ask(args);
  if (called.is("count")) return count();
  if (called.is("echo")) return copied(args);
  if (called.is("fail")) return fail(args);
  if (called.is("hash")) return hash(args);
  if (called.is("note")) return note(args);
  if (called.is("root")) return root(args);
  if (called.is("sum")) return sum(args);
  return failed("unknown function: ", called);
}
