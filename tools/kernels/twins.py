"""The kernels in Python, as one would write them by hand, with the same results.

``KERNELS`` says which module a kernel is in, and at what size it is measured. All return what the
module's function returns: a signed integer of 32 bits.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

MASK32 = 0xFFFFFFFF
MASK64 = 0xFFFFFFFFFFFFFFFF


def signed(value: int) -> int:
    """The low 32 bits as a signed integer."""
    value &= MASK32
    return value - (value >> 31 << 32)


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def sieve(n: int) -> int:
    prime = bytearray([1]) * n
    count = 0
    for i in range(2, n):
        if prime[i]:
            count += 1
            for k in range(i + i, n, i):
                prime[k] = 0
    return count


def matmul(n: int) -> int:
    a = [[float((i * n + j) % 7) for j in range(n)] for i in range(n)]
    b = [[float((i * n + j) % 5) for j in range(n)] for i in range(n)]
    c = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for k in range(n):
            total = 0.0
            for j in range(n):
                total += a[i][j] * b[j][k]
            c[i][k] = total
    return int(sum(c[i][i] for i in range(n)))


def crc32(n: int) -> int:
    crc = MASK32
    for byte in bytes(i * 31 & 0xFF for i in range(n)):
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xEDB88320 if crc & 1 else crc >> 1
    return signed(~crc)


def quicksort(words: list[int], low: int, high: int) -> None:
    while low < high:
        pivot = words[(low + high) >> 1]
        i, k = low, high
        while i <= k:
            while words[i] < pivot:
                i += 1
            while words[k] > pivot:
                k -= 1
            if i <= k:
                words[i], words[k] = words[k], words[i]
                i += 1
                k -= 1
        quicksort(words, low, k)
        low = i


def sort(n: int) -> int:
    words, x = [], 1
    for _ in range(n):
        x = (x * 1664525 + 1013904223) & MASK32
        words.append(x)
    quicksort(words, 0, n - 1)
    total = 0
    for word in words:
        total = (total * 31 + word) & MASK32
    return signed(total)


def add(x: int, y: int) -> int:
    return (x + y) & MASK32


def sub(x: int, y: int) -> int:
    return (x - y) & MASK32


def xor(x: int, y: int) -> int:
    return x ^ y


OPERATIONS = (add, sub, xor, add)


def dispatch(n: int) -> int:
    x = 1
    for i in range(n):
        x = OPERATIONS[x & 3](x, i)
    return signed(x)


def hash64(n: int) -> int:
    h = 1469598103934665603
    for i in range(n):
        h = (h ^ i) * 1099511628211 & MASK64
        h ^= h >> 29
    return signed(h ^ h >> 32)


SHA_START = (
    *(0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A),
    *(0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19),
)


def _sha_keys() -> list[int]:
    """The first 32 bits of the fractions of the cube roots of the first 64 primes."""
    primes = [n for n in range(2, 312) if all(n % k for k in range(2, n))]
    keys = []
    for prime in primes:
        root = round((prime << 96) ** (1 / 3))
        while root**3 > prime << 96:
            root -= 1
        while (root + 1) ** 3 <= prime << 96:
            root += 1
        keys.append(root & MASK32)
    return keys


SHA_KEYS = _sha_keys()


def turn(x: int, by: int) -> int:
    return (x >> by | x << (32 - by)) & MASK32


def sha_block(state: list[int], block: bytes) -> list[int]:
    w = [int.from_bytes(block[i : i + 4], "big") for i in range(0, 64, 4)]
    for i in range(16, 64):
        low = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3
        high = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append((w[i - 16] + low + w[i - 7] + high) & MASK32)
    a, b, c, d, e, f, g, h = state
    for key, word in zip(SHA_KEYS, w):
        choice = (e & f) ^ (~e & g)
        first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + key + word
        majority = (a & b) ^ (a & c) ^ (b & c)
        second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority
        a, b, c, d, e, f, g, h = (
            *((first + second) & MASK32, a, b, c),
            *((d + first) & MASK32, e, f, g),
        )
    return [(old + new) & MASK32 for old, new in zip(state, (a, b, c, d, e, f, g, h))]


def sha256(n: int) -> int:
    size = n * 64 - 9
    message = bytes(i * 7 & 0xFF for i in range(size)) + b"\x80" + (size * 8).to_bytes(8, "big")
    state = list(SHA_START)
    for at in range(0, len(message), 64):
        state = sha_block(state, message[at : at + 64])
    return signed(state[0])


def mandelbrot(n: int) -> int:
    total = 0
    for row in range(n):
        y = 2.0 * row / n - 1.0
        for column in range(n):
            x = 3.0 * column / n - 2.0
            re = im = 0.0
            steps = 0
            while steps < 50 and re * re + im * im <= 4.0:
                re, im = re * re - im * im + x, 2.0 * re * im + y
                steps += 1
            total += steps
    return total


def json(n: int) -> int:
    records = (
        f'{{"id": {i}, "name": "item \\"no\\" {i * 31}", "tags": [1, 22, [333]]}}' for i in range(n)
    )
    text = f"[{','.join(records)}]"
    depth = deepest = total = letters = at = 0
    while at < len(text):
        c = text[at]
        if c == '"':
            at += 1
            while text[at] != '"':
                if text[at] == "\\":
                    at += 1
                letters += 1
                at += 1
        elif "0" <= c <= "9":
            start = at
            while "0" <= text[at + 1] <= "9":
                at += 1
            total += int(text[start : at + 1])
        elif c in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif c in "]}":
            depth -= 1
        at += 1
    return signed(total + letters * 1000 + deepest)


def xoshiro(n: int) -> int:
    a, b, c, d = 1, 2, 3, 4
    total = 0
    for i in range(n):
        five = b * 5 & MASK64
        total ^= ((five << 7 | five >> 57) * 9 + i) & MASK64
        kept = b << 17 & MASK64
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= kept
        d = (d << 45 | d >> 19) & MASK64
    return signed(total ^ total >> 32)


class Body:
    """A mass with place and speed."""

    __slots__ = ("mass", "vx", "vy", "vz", "x", "y", "z")

    def __init__(self, i: int) -> None:
        self.x, self.y, self.z = i * 1.5, i * i * 0.5 - 2, 3.0 - i
        self.vx, self.vy, self.vz = 0.25 * i, 0.5 - 0.125 * i, 0.0
        self.mass = 1 + i * 0.5


def nbody(n: int) -> int:
    bodies = [Body(i) for i in range(5)]
    pairs = [(p, q) for i, p in enumerate(bodies) for q in bodies[i + 1 :]]
    for _ in range(n):
        for p, q in pairs:
            dx, dy, dz = p.x - q.x, p.y - q.y, p.z - q.z
            square = dx * dx + dy * dy + dz * dz
            pull = 0.001 / (square * math.sqrt(square))
            p.vx -= dx * q.mass * pull
            p.vy -= dy * q.mass * pull
            p.vz -= dz * q.mass * pull
            q.vx += dx * p.mass * pull
            q.vy += dy * p.mass * pull
            q.vz += dz * p.mass * pull
        for body in bodies:
            body.x += 0.001 * body.vx
            body.y += 0.001 * body.vy
            body.z += 0.001 * body.vz
    total = 0.0
    for body in bodies:
        total += body.x + body.y * body.vz
    return int(total * 1e6)


def buffer(n: int) -> int:
    words = array("I", (i * 2654435761 & MASK32 for i in range(n)))
    view = memoryview(words).cast("B")
    last = 0
    for i, byte in enumerate(view):
        view[i] = last = ((byte ^ last) + 1) & 0xFF
    total = 0
    for word in words:
        total = (total << 5 & MASK32 | total >> 27) ^ word
    return signed(total)


PUSH, LOAD, STORE, ADD, MULTIPLY, XOR, LESS, JUMP_IF, HALT = range(9)
PROGRAM = bytes(
    (
        *(PUSH, 7, STORE, 1, PUSH, 0, STORE, 0),
        *(LOAD, 1, PUSH, 3, MULTIPLY, LOAD, 0, ADD, LOAD, 0, XOR, STORE, 1),
        *(LOAD, 0, PUSH, 1, ADD, STORE, 0),
        *(LOAD, 0, LOAD, 2, LESS, JUMP_IF, 8, HALT),
    )
)


def vm(n: int) -> int:
    stack: list[int] = []
    variables = [0, 0, n]
    at = 0
    while True:
        op = PROGRAM[at]
        at += 1
        if op == PUSH:
            stack.append(PROGRAM[at])
            at += 1
        elif op == LOAD:
            stack.append(variables[PROGRAM[at]])
            at += 1
        elif op == STORE:
            variables[PROGRAM[at]] = stack.pop()
            at += 1
        elif op == ADD:
            right = stack.pop()
            stack[-1] = (stack[-1] + right) & MASK32
        elif op == MULTIPLY:
            right = stack.pop()
            stack[-1] = stack[-1] * right & MASK32
        elif op == XOR:
            right = stack.pop()
            stack[-1] ^= right
        elif op == LESS:
            right = stack.pop()
            stack[-1] = stack[-1] < right
        elif op == JUMP_IF:
            at = PROGRAM[at] if stack.pop() else at + 1
        else:
            return signed(variables[1])


def filter(n: int) -> int:
    taps = [(i - 7) * 0.125 for i in range(16)]
    samples = [i * 13 % 29 * 0.25 for i in range(n)]
    peak = 0.0
    for i in range(15, n):
        total = 0.0
        for k, tap in enumerate(taps):
            total += samples[i - k] * tap
        peak += abs(total)
        if peak > 4096:
            peak -= 4096
    return int(peak * 32)


def levenshtein(n: int) -> int:
    one = [i * i % 7 for i in range(n)]
    other = [i * 3 % 5 for i in range(n)]
    row = list(range(n + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for k, against in enumerate(other, 1):
            row.append(min(above[k - 1] + (letter != against), above[k] + 1, row[k - 1] + 1))
    return row[n]


def place(free: int, left: int, right: int, everywhere: int) -> int:
    if not free:
        return 1
    count = 0
    safe = free & ~(left | right)
    while safe:
        queen = safe & -safe
        count += place(
            free ^ queen, (left | queen) << 1 & everywhere, (right | queen) >> 1, everywhere
        )
        safe &= safe - 1
    return count


def queens(n: int) -> int:
    everywhere = (1 << n) - 1
    return place(everywhere, 0, 0, everywhere)


def report(n: int) -> int:
    names = ("ash", "birch", "cedar", "douglas fir")
    entries = sorted((f"{i * 7919 % n:05d}-{names[i % 4]}-{i:x}", i) for i in range(n))
    printed = "".join(f"{text},{number / 8:.2f};" for text, number in entries)
    total = 0
    for byte in printed.encode():
        total = (total * 31 + byte) & MASK32
    return signed(total)


def words(n: int) -> int:
    counts: Counter[str] = Counter()
    random = 1
    for _ in range(n):
        random = (random * 1664525 + 1013904223) & MASK32
        counts[f"w{random >> 24}"] += 1
    total = 0
    for word, count in sorted(counts.items()):
        for byte in word.encode():
            total = (total * 31 + byte) & MASK32
        total ^= count
    return signed(total)


BASE = 1_000_000_000


def bigint(n: int) -> int:
    limbs = [1]
    for factor in range(2, n + 1):
        carry = 0
        for i, limb in enumerate(limbs):
            carry, limbs[i] = divmod(limb * factor + carry, BASE)
        if carry:
            limbs.append(carry)
    return sum(int(digit) for limb in limbs for digit in str(limb))


class Circle:
    """A shape with one measure."""

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def area(self) -> float:
        return 3.0 * self.radius * self.radius

    def grow(self, by: float) -> None:
        self.radius += by


class Rectangle:
    """A shape with two measures."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height

    def area(self) -> float:
        return self.width * self.height

    def grow(self, by: float) -> None:
        self.width += by
        self.height += 2.0 * by


def shapes(n: int) -> int:
    made: list[Circle | Rectangle] = []
    for i in range(n):
        size = float(i % 10)
        made.append(Rectangle(size, size + 1.0) if i % 3 else Circle(size))
    total = 0.0
    for step in range(4):
        for shape in made:
            shape.grow(step * 0.5)
            total += shape.area()
    return int(total % 1e9)


def paths(n: int) -> int:
    cost = [i * 7919 % 9 + 1 for i in range(n * n)]
    best: list[float] = [math.inf] * (n * n)
    best[0] = cost[0]
    heap = [(cost[0], 0)]
    while heap:
        so_far, at = heapq.heappop(heap)
        if so_far > best[at]:
            continue
        row, column = divmod(at, n)
        for inside, to in (
            (row > 0, at - n),
            (row + 1 < n, at + n),
            (column > 0, at - 1),
            (column + 1 < n, at + 1),
        ):
            if inside and so_far + cost[to] < best[to]:
                best[to] = so_far + cost[to]
                heapq.heappush(heap, (so_far + cost[to], to))
    return int(best[-1])


class Kernel(NamedTuple):
    """A kernel: an export of ``module`` beside this file, and its twin."""

    module: str
    twin: Callable[[int], int]
    #: for measuring: hand-written Python takes 5 to 30 ms, of the last ones less
    size: int
    #: what Python's own C code does in the twin, and the module in WebAssembly
    native: str = ""

    @property
    def name(self) -> str:
        """The export's name."""
        return self.twin.__name__


KERNELS = [
    Kernel("kernels.wasm", fib, 22),
    Kernel("kernels.wasm", sieve, 60_000),
    Kernel("kernels.wasm", matmul, 32),
    Kernel("kernels.wasm", crc32, 20_000),
    Kernel("kernels.wasm", sort, 10_000),
    Kernel("kernels.wasm", dispatch, 100_000),
    Kernel("kernels.wasm", hash64, 100_000),
    Kernel("kernels.wasm", sha256, 100),
    Kernel("kernels.wasm", mandelbrot, 60),
    Kernel("kernels.wasm", json, 700),
    Kernel("kernels.wasm", xoshiro, 20_000),
    Kernel("kernels.wasm", nbody, 1_500),
    Kernel("kernels.wasm", buffer, 16_000),
    Kernel("kernels.wasm", vm, 5_000),
    Kernel("kernels.wasm", filter, 4_000),
    Kernel("kernels.wasm", levenshtein, 200),
    Kernel("kernels.wasm", queens, 10),
    Kernel("rust.wasm", bigint, 500),
    Kernel("rust.wasm", shapes, 5_000),
    Kernel("rust.wasm", paths, 60, "the heap"),
    Kernel("libc.wasm", report, 300, "printing and sorting"),
    Kernel("rust.wasm", words, 3_000, "printing, hashing and sorting"),
]
