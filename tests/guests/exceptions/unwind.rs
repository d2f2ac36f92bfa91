//! Errors by unwinding: functions that panic, far down, and those that catch it.
//! Built by tools/build-guests with panic=unwind, on a standard library that is built for it.

use std::cell::Cell;
use std::panic::{catch_unwind, panic_any, resume_unwind, AssertUnwindSafe};

thread_local! { static DROPPED: Cell<i32> = const { Cell::new(0) }; }

/// What is counted when a frame is left, by whichever way.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        DROPPED.with(|count| count.set(count.get() + 1));
    }
}

/// An error of our own, as the payload of a panic.
struct Refused(i32);

fn divide(a: i32, b: i32) -> i32 {
    let _guard = Guard;
    if b == -1 {
        panic_any(Refused(a));
    }
    a / b
}

fn nested(a: i32, b: i32, depth: i32) -> i32 {
    let _guard = Guard;
    if depth > 0 { nested(a, b, depth - 1) + 1 } else { divide(a, b) }
}

fn code(payload: &(dyn std::any::Any + Send)) -> i32 {
    if let Some(refused) = payload.downcast_ref::<Refused>() {
        return -1000 - refused.0;
    }
    let text = match payload.downcast_ref::<String>() {
        Some(text) => text.as_str(),
        None => payload.downcast_ref::<&str>().copied().unwrap_or(""),
    };
    -(text.len() as i32)
}

/// A division far down: the quotient and the depth, or less than zero for what was caught.
#[no_mangle]
pub extern "C" fn guarded(a: i32, b: i32, depth: i32) -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    catch_unwind(|| nested(a, b, depth)).unwrap_or_else(|payload| code(&*payload))
}

/// Catches, looks and passes on; an outer handler gets it.
#[no_mangle]
pub extern "C" fn passed_on(a: i32, b: i32) -> i32 {
    let mut seen = 0;
    let outer = catch_unwind(AssertUnwindSafe(|| {
        catch_unwind(|| divide(a, b)).unwrap_or_else(|payload| {
            seen += 1;
            resume_unwind(payload)
        })
    }));
    outer.unwrap_or_else(|payload| 10_000 * seen + code(&*payload))
}

/// Drops that have run so far.
#[no_mangle]
pub extern "C" fn dropped() -> i32 {
    DROPPED.with(Cell::get)
}

/// An index outside of a slice, which Rust's own library refuses.
#[no_mangle]
pub extern "C" fn at(index: usize) -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    let values = [3, 5, 8];
    catch_unwind(|| values[index]).unwrap_or_else(|payload| code(&*payload))
}
