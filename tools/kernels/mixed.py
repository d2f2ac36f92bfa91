"""mixed.c in Python, as one would write it by hand, with the same results."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

__all__ = ["mixed"]

NODES, SIDE, TEXT = 100, 12, 600
MASK32 = 0xFFFFFFFF


def checksum(crc: int, value: int) -> int:
    for _ in range(16):
        differs = (crc ^ value) & 1
        crc >>= 1
        value >>= 1
        if differs:
            crc ^= 0xA001
    return crc


class Node:
    """An element of a list."""

    __slots__ = ("index", "next", "value")

    def __init__(self, value: int, index: int) -> None:
        self.value = value
        self.index = index
        self.next: Node | None = None


List: TypeAlias = "Node | None"
Order = Callable[[Node, Node], int]


def by_value(one: Node, other: Node) -> int:
    return one.value - other.value


def by_index(one: Node, other: Node) -> int:
    return one.index - other.index


def make_list(seed: int) -> List:
    nodes = []
    for i in range(NODES):
        seed = (seed * 1103515245 + 12345) & MASK32
        nodes.append(Node((seed >> 16 & 0x3FFF) - 0x2000, i))
    for node, following in pairwise(nodes):
        node.next = following
    return nodes[0]


def reversed_list(at: List) -> List:
    done = None
    while at:
        at.next, done, at = done, at, at.next
    return done


def steps_to(at: List, value: int) -> int:
    steps = 0
    while at and at.value < value:
        at = at.next
        steps += 1
    return steps


def merged(one: List, other: List, compare: Order) -> List:
    first = end = Node(0, 0)
    while one and other:
        if compare(one, other) <= 0:
            end.next, one = one, one.next
        else:
            end.next, other = other, other.next
        end = end.next
    end.next = one or other
    return first.next


def sorted_list(start: List, compare: Order) -> List:
    if not start or not start.next:
        return start
    middle, end = start, start.next
    while end and end.next:
        middle, end = middle.next, end.next.next
    half, middle.next = middle.next, None
    return merged(sorted_list(start, compare), sorted_list(half, compare), compare)


def list_work(seed: int, crc: int) -> int:
    start = sorted_list(reversed_list(make_list(seed)), by_value)
    for value in range(-8000, 8000, 1000):
        crc = checksum(crc, steps_to(start, value))
    at = sorted_list(start, by_index)
    while at:
        if at.index % 8 == 0:
            crc = checksum(crc, at.value & 0xFFFF)
        at = at.next
    return crc


def matrix_work(seed: int, crc: int) -> int:
    left, right = [], []
    for _ in range(SIDE):
        one, other = [], []
        for _ in range(SIDE):
            seed = (seed * 134775813 + 1) & MASK32
            one.append(seed >> 20)
            other.append(seed >> 8 & 0xFF)
        left.append(one)
        right.append(other)
    product = [
        [sum(left[i][j] * right[j][k] for j in range(SIDE)) for k in range(SIDE)]
        for i in range(SIDE)
    ]
    for i in range(SIDE):
        total = 0
        for k in range(SIDE):
            part = product[i][k] >> 2 & 0xFFFF
            total += 10 if part > 0x7000 else part * right[k][i]
        crc = checksum(crc, total & 0xFFFF)
    return crc


START, SIGN, WHOLE, POINT, FRACTION, EXPONENT, POWER, WRONG = range(8)
STATES = 8
SAMPLES = "5012,-17,+0.625,1e9,3.14e-2,.5,7.,12x4,--1,8e+,+,0.0e00,"
AFTER_DIGIT = (WHOLE, WHOLE, WHOLE, FRACTION, FRACTION, POWER, POWER, WRONG)


def next_state(state: int, c: str) -> int:
    if "0" <= c <= "9":
        return AFTER_DIGIT[state]
    if c in "+-":
        return SIGN if state == START else EXPONENT if state == EXPONENT else WRONG
    if c == ".":
        return POINT if state <= WHOLE else WRONG
    if c == "e":
        return EXPONENT if state in (WHOLE, FRACTION) else WRONG
    return WRONG


def count_states(text: list[str], crc: int) -> int:
    ends, visits = [0] * STATES, [0] * STATES
    state = START
    for c in text:
        if c == ",":
            ends[state] += 1
            state = START
        elif state != WRONG:
            state = next_state(state, c)
            visits[state] += 1
    for end, visit in zip(ends, visits):
        crc = checksum(checksum(crc, end), visit)
    return crc


def text_work(seed: int, crc: int) -> int:
    text = [SAMPLES[i % len(SAMPLES)] for i in range(TEXT)]
    crc = count_states(text, crc)
    for at in range(seed % 7, TEXT, 7):
        if text[at] != ",":
            text[at] = chr(ord(text[at]) ^ 1)
    return count_states(text, crc)


def mixed(iterations: int) -> int:
    crc = 0xFFFF
    for i in range(iterations):
        crc = list_work(i * 7 + 1, crc)
        crc = matrix_work(i + 3, crc)
        crc = text_work(i, crc)
    return crc
