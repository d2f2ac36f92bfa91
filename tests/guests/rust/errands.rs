//! The errands plugin in Rust, on the standard library without WASI; what it answers is said by
//! tests/plugin/test_toolchains.py.
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hint::unreachable_unchecked;
use std::io::Write;
use std::{ptr, slice};

mod host {
    #[link(wasm_import_module = "gk")]
    extern "C" {
        #[link_name = "host_call"]
        pub fn call(name: *const u8, name_size: u32, request: *const u8, size: u32) -> u64;
        #[link_name = "log"]
        pub fn log(level: u32, message: *const u8, size: u32);
    }
}

const MANIFEST: &str = r#"{"name":"errands","version":"1.0.0",
"description":"Runs errands, the same in every language",
"author":"pywasmgk","license":"Apache-2.0","homepage":"",
"routes":[{"method":"POST","path":"/errands/sum","handler":"sum"}],
"error_codes":[{"code":"errands.numbers","message":"numbers expected","http_status":422}]}"#;

// ---- memory: the host frees by address alone, so the blocks are kept by it

thread_local! {
    static BLOCKS: RefCell<BTreeMap<u32, Vec<u8>>> = RefCell::new(BTreeMap::new());
    static CALLS: Cell<u64> = Cell::new(0);
}

fn keep(mut block: Vec<u8>) -> u32 {
    let address = block.as_mut_ptr() as u32;
    BLOCKS.with(|blocks| blocks.borrow_mut().insert(address, block));
    address
}

fn pack(answer: Vec<u8>) -> u64 {
    match answer.len() as u64 {
        0 => 0,
        size => (keep(answer) as u64) << 32 | size,
    }
}

/// What an address and a size from outside mean; none is nothing.
unsafe fn bytes<'a>(at: *const u8, size: u32) -> &'a [u8] {
    if size == 0 { &[] } else { slice::from_raw_parts(at, size as usize) }
}

#[no_mangle]
pub extern "C" fn gk_malloc(size: u32) -> u32 {
    let mut block = Vec::new();
    match block.try_reserve_exact(size.max(1) as usize) {
        Ok(()) => keep(block),
        Err(_) => 0,
    }
}

#[no_mangle]
pub extern "C" fn gk_free(address: u32) {
    BLOCKS.with(|blocks| blocks.borrow_mut().remove(&address));
}

// ---- reading

/// Takes up to 18 digits, which fit into 64 bits.
fn take_digits(rest: &mut &[u8]) -> Option<i64> {
    let count = rest.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    let value = digits.iter().take(18).fold(0, |value, c| value * 10 + (c - b'0') as i64);
    (1..=18).contains(&count).then(|| value)
}

fn take(rest: &mut &[u8], c: u8) -> bool {
    let found = rest.first() == Some(&c);
    *rest = &rest[found as usize..];
    found
}

/// How many numbers there are, and their sum, which wraps at 64 bits.
fn read_sum(mut rest: &[u8]) -> Option<(u32, i64)> {
    let (mut count, mut total) = (0, 0i64);
    if !take(&mut rest, b'[') {
        return None;
    }
    if !take(&mut rest, b']') {
        loop {
            let negative = take(&mut rest, b'-');
            let number = take_digits(&mut rest)?;
            total = total.wrapping_add(if negative { -number } else { number });
            count += 1;
            if !take(&mut rest, b',') {
                break;
            }
        }
        if !take(&mut rest, b']') {
            return None;
        }
    }
    rest.is_empty().then(|| (count, total))
}

// ---- handlers

fn failed(message: &str, detail: &[u8]) -> Vec<u8> {
    let mut out = format!("{{\"error\":\"{message}").into_bytes();
    for &c in detail {
        match c {
            b'"' | b'\\' => out.extend([b'\\', c]),
            0..=31 => drop(write!(out, "\\u{c:04x}")),
            _ => out.push(c),
        }
    }
    out.extend(b"\"}");
    out
}

fn count() -> Vec<u8> {
    let calls = CALLS.with(|calls| {
        calls.set(calls.get() + 1);
        calls.get()
    });
    format!("{{\"calls\":{calls}}}").into()
}

fn sum(args: &[u8]) -> Vec<u8> {
    match read_sum(args) {
        Some((count, total)) => format!("{{\"count\":{count},\"sum\":{total}}}").into(),
        None => failed("numbers expected", b""),
    }
}

fn root(mut args: &[u8]) -> Vec<u8> {
    match take_digits(&mut args) {
        Some(n) if args.is_empty() => {
            format!("{{\"root\":{}}}", ((n as f64).sqrt() * 1000.0) as i64).into()
        }
        _ => failed("number expected", b""),
    }
}

fn hash(args: &[u8]) -> Vec<u8> {
    let (mut crc, mut fnv1a) = (!0u32, 0xCBF29CE484222325u64);
    for &byte in args {
        crc ^= byte as u32;
        for _ in 0..8 {
            crc = crc >> 1 ^ (crc & 1) * 0xEDB88320;
        }
        fnv1a = (fnv1a ^ byte as u64).wrapping_mul(0x100000001B3);
    }
    format!("{{\"crc32\":\"{:08x}\",\"fnv1a\":\"{fnv1a:016x}\"}}", !crc).into()
}

fn note(args: &[u8]) -> Vec<u8> {
    match args {
        [level @ b'0'..=b'9', message @ ..] => {
            unsafe { host::log((level - b'0') as u32, message.as_ptr(), message.len() as u32) };
            format!("{{\"noted\":{}}}", message.len()).into()
        }
        _ => failed("level expected", b""),
    }
}

/// NAME REQUEST: what the host answers, which is ours to hand on.
fn ask(args: &[u8]) -> u64 {
    let end = args.iter().position(|&c| c == b' ').unwrap_or(args.len());
    let (name, request) = (&args[..end], args.get(end + 1..).unwrap_or(&[]));
    let (name_size, size) = (name.len() as u32, request.len() as u32);
    match unsafe { host::call(name.as_ptr(), name_size, request.as_ptr(), size) } {
        0 => pack(failed("host call failed: ", name)),
        answer => answer,
    }
}

static mut ZERO: u32 = 0;

/// A zero that the compiler knows nothing of.
fn zero() -> u32 {
    unsafe { ptr::read_volatile(&ZERO) }
}

#[inline(never)]
fn deeper(depth: u32) -> u32 {
    if depth == !0 { 0 } else { deeper(depth.wrapping_add(1)).wrapping_add(zero() + 1) }
}

/// Without Rust's own check, whose panic would be another trap.
fn divide(a: u32, b: u32) -> u32 {
    if b == 0 {
        unsafe { unreachable_unchecked() }
    }
    a / b
}

fn fail(args: &[u8]) -> Vec<u8> {
    match args {
        b"unreachable" => core::arch::wasm32::unreachable(),
        b"divide" => divide(args.len() as u32, zero()).to_string().into(),
        b"bounds" => unsafe { ptr::read_volatile(0xFFFFFFF0 as *const u32) }.to_string().into(),
        b"recurse" => deeper(0).to_string().into(),
        b"loop" => loop {
            zero();
        },
        _ => failed("unknown kind: ", args),
    }
}

// ---- the contract

#[no_mangle]
pub extern "C" fn gk_register() -> u64 {
    pack(MANIFEST.into())
}

/// # Safety
/// The host gives addresses of what gk_malloc gave it.
#[no_mangle]
pub unsafe extern "C" fn gk_call(name: *const u8, name_size: u32, args: *const u8, size: u32) -> u64 {
    let (name, args) = (bytes(name, name_size), bytes(args, size));
    pack(match name {
        b"ask" => return ask(args),
        b"count" => count(),
        b"echo" => args.to_vec(),
        b"fail" => fail(args),
        b"hash" => hash(args),
        b"note" => note(args),
        b"root" => root(args),
        b"sum" => sum(args),
        _ => failed("unknown function: ", name),
    })
}
