//! Kernels of tools/bench in Rust: what its standard library compiles to. twins.py has the same in
//! Python. Each takes a size and gives a checksum.
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Counts words, and sums them up in order.
#[no_mangle]
pub extern "C" fn words(n: i32) -> i32 {
    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut random = 1u32;
    for _ in 0..n {
        random = random.wrapping_mul(1664525).wrapping_add(1013904223);
        *counts.entry(format!("w{}", random >> 24)).or_insert(0) += 1;
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort();
    let mut sum = 0u32;
    for (word, count) in sorted {
        for byte in word.bytes() {
            sum = sum.wrapping_mul(31).wrapping_add(byte as u32);
        }
        sum ^= count;
    }
    sum as i32
}

const BASE: u64 = 1_000_000_000;

/// The sum of the digits of n factorial, computed in limbs of nine digits.
#[no_mangle]
pub extern "C" fn bigint(n: i32) -> i32 {
    let mut limbs = vec![1u32];
    for factor in 2..=n as u64 {
        let mut carry = 0;
        for limb in limbs.iter_mut() {
            let product = *limb as u64 * factor + carry;
            *limb = (product % BASE) as u32;
            carry = product / BASE;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    let mut sum = 0;
    for limb in limbs {
        let mut rest = limb;
        while rest > 0 {
            sum += rest % 10;
            rest /= 10;
        }
    }
    sum as i32
}

trait Shape {
    fn area(&self) -> f64;
    fn grow(&mut self, by: f64);
}

struct Circle {
    radius: f64,
}

struct Rectangle {
    width: f64,
    height: f64,
}

impl Shape for Circle {
    fn area(&self) -> f64 {
        3.0 * self.radius * self.radius
    }
    fn grow(&mut self, by: f64) {
        self.radius += by;
    }
}

impl Shape for Rectangle {
    fn area(&self) -> f64 {
        self.width * self.height
    }
    fn grow(&mut self, by: f64) {
        self.width += by;
        self.height += 2.0 * by;
    }
}

/// Objects of two kinds behind one interface.
#[no_mangle]
pub extern "C" fn shapes(n: i32) -> i32 {
    let mut shapes: Vec<Box<dyn Shape>> = Vec::new();
    for i in 0..n {
        let size = (i % 10) as f64;
        if i % 3 == 0 {
            shapes.push(Box::new(Circle { radius: size }));
        } else {
            shapes.push(Box::new(Rectangle { width: size, height: size + 1.0 }));
        }
    }
    let mut total = 0.0;
    for round in 0..4 {
        for shape in shapes.iter_mut() {
            shape.grow(round as f64 * 0.5);
            total += shape.area();
        }
    }
    (total % 1e9) as i32
}

/// The cheapest way through a square of n times n fields (Dijkstra, 1959).
#[no_mangle]
pub extern "C" fn paths(n: i32) -> i32 {
    let size = n as usize;
    let cost: Vec<u32> = (0..size * size).map(|i| (i * 7919 % 9 + 1) as u32).collect();
    let mut best = vec![u32::MAX; size * size];
    let mut heap = BinaryHeap::new();
    best[0] = cost[0];
    heap.push(Reverse((cost[0], 0usize)));
    while let Some(Reverse((so_far, at))) = heap.pop() {
        if so_far > best[at] {
            continue;
        }
        let (row, column) = (at / size, at % size);
        let mut visit = |to: usize| {
            let next = so_far + cost[to];
            if next < best[to] {
                best[to] = next;
                heap.push(Reverse((next, to)));
            }
        };
        if row > 0 {
            visit(at - size);
        }
        if row + 1 < size {
            visit(at + size);
        }
        if column > 0 {
            visit(at - 1);
        }
        if column + 1 < size {
            visit(at + 1);
        }
    }
    best[size * size - 1] as i32
}
