"""A small function for each pass, and what the pass changes in it.

``before`` and ``after`` are lines of the function's listing (``explain.listing``), indentation left
out, that are there on one side of the pass only. A test holds them against the compiler, and the
page on the compiler shows them.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["EXAMPLES", "SHOWN", "Example"]


class Example(NamedTuple):
    """A function for which a pass does something."""

    #: parameters, results, locals and body, as WAT
    wat: str
    before: str
    after: str

    @property
    def module(self) -> str:
        """A module whose function 0 it is; ``$other`` is too large to stand in its place."""
        large = "nop " * 60
        return f"""(module (memory 1) (global $g (mut i32) (i32.const 0))
          (func $f {self.wat})
          (func $other (global.set $g (i32.const 7)) {large}))"""


#: a branch, so that a loop around it is one of several blocks
_BRANCH = "local.get $s i32.const 1 i32.and if local.get $s i32.const 3 i32.add local.set $s end"
_COUNT = "local.get $i i32.const 1 i32.add local.tee $i"

#: by the name of the pass
EXAMPLES = {
    "signed locals": Example(
        f"""(result i32) (local $i i32) (local $s i32)
          i32.const -600 local.set $i
          loop $on
            {_BRANCH}
            local.get $i i32.const 2000 i32.add i32.load8_u local.get $s i32.add local.set $s
            {_COUNT} br_if $on
          end
          local.get $s""",
        "l0 = (l0 + 1) % 4294967296",
        "l0 = l0 + 1",
    ),
    "pointer elimination": Example(
        f"""(param $i i32) (result i32) (local $p i32) (local $s i32)
          local.get $i i32.const 2 i32.shl i32.const 1024 i32.add local.set $p
          loop $on
            {_BRANCH}
            local.get $p i32.load local.set $s
            local.get $p i32.const 4 i32.add local.set $p
            {_COUNT} local.get $s i32.lt_u br_if $on
          end
          local.get $s""",
        "t17 = l1 >> 2",
        "t17 = (l0 + 256) % 1073741824",
    ),
    "index hoisting": Example(
        f"""(param $a i32) (param $n i32) (result i32) (local $i i32) (local $s i32)
          local.get $a i32.const -4 i32.and local.set $a
          loop $on
            {_BRANCH}
            local.get $a local.get $i i32.const 2 i32.shl i32.add i32.load local.set $s
            local.get $i i32.const 5 i32.mul local.set $i
            local.get $n i32.const 1 i32.sub local.tee $n br_if $on
          end
          local.get $s""",
        "t19 = l0 >> 2\nt19_1 = MI[t19]",
        "t19 = MI[t4]",
    ),
    "sinking": Example(
        """(param $a i32) (param $b i32) (result i32) (local $p i32)
          local.get $a i32.const 3 i32.mul local.set $p
          local.get $b if (result i32) local.get $p else call $other i32.const 1 end""",
        "l2 = l0 * 3 & 4294967295\ntest l1",
        "l2 = l0 * 3 & 4294967295\njump 3 with l2",
    ),
    "dead stores": Example(
        """(param $a i32) (result i32) (local $p i32)
          local.get $a i32.const 3 i32.mul local.set $p
          i32.const 4 local.set $p
          local.get $a local.get $p i32.add""",
        "l1 = l0 * 3 & 4294967295\nl1 = 4\nreturn",
        "fuel 9:\nreturn",
    ),
    "byte narrowing": Example(
        f"""(param $n i32) (result i32) (local $b i32) (local $i i32)
          loop $on
            local.get $b local.get $n i32.xor i32.const 1 i32.add local.set $b
            call $other
            local.get $i local.get $b i32.store8
            {_COUNT} local.get $n i32.lt_u br_if $on
          end
          local.get $b i32.const 255 i32.and""",
        "l1 = ((l1 ^ l0) + 1) % 4294967296",
        "l1 = ((l1 ^ l0) + 1) % 256",
    ),
    "redundant masks": Example(
        """(param $a i32) (result i32)
          local.get $a i32.load16_s local.get $a i32.load16_s offset=2 i32.xor""",
        "t1_1 = Mh[t1]\nt3 = Mh[t1 + 1]\nreturn t1_1 % 4294967296 ^ t3 % 4294967296",
        "t1_1 = Mh[t1] & 4294967295\nt3 = Mh[t1 + 1] & 4294967295\nreturn t1_1 ^ t3",
    ),
    "boolean locals": Example(
        """(param $a i32) (param $b i32) (result i32) (local $p i32)
          local.get $a local.get $b i32.lt_u local.set $p
          call $other
          local.get $p if (result i32) i32.const 5 else call $other i32.const 6 end""",
        "l2 = 1 if l0 < l1 else 0",
        "l2 = l0 < l1",
    ),
    "delayed masks": Example(
        f"""(param $n i32) (result i32) (local $i i32) (local $s i32)
          loop $on
            local.get $s local.get $n i32.add local.set $s
            local.get $i i32.const 7 i32.and i32.eqz if call $other end
            {_COUNT} local.get $n i32.lt_u br_if $on
          end
          local.get $s i32.const 1 i32.add""",
        "l2 = (l2 + l0) % 4294967296",
        "l2 = l2 + l0",
    ),
    "loop versioning": Example(
        f"""(param $n i32) (result i32) (local $i i32) (local $s i32)
          loop $on
            local.get $i local.get $s i32.xor local.set $s
            {_COUNT} local.get $n i32.ne br_if $on
          end
          local.get $s""",
        "",
        "fast version, if (n := l0 - l1) > 5:\nturns of l1 by 1:\nl2 = l1 ^ l2",
    ),
}

#: the function that the page on the compiler shows after each pass
SHOWN = """(module (memory 1)
  (func $walk (param $p i32) (param $n i32) (result i32)
    (local $i i32) (local $sum i32) (local $last i32) (local $far i32) (local $low i32)
    i32.const -40 local.set $i
    local.get $n local.set $far
    loop $on
      local.get $i i32.const 8192 i32.add i32.load8_u local.set $last
      local.get $p i32.const 12 i32.add local.set $far
      local.get $sum local.get $last i32.add local.set $sum
      local.get $last i32.const 100 i32.lt_u local.set $low
      local.get $low
      if
        local.get $far i32.load local.get $sum i32.add local.set $sum
      end
      local.get $i i32.const 1 i32.add local.tee $i br_if $on
    end
    loop $copy
      local.get $n i32.const 4096 i32.add local.get $n i32.load8_u i32.store8
      local.get $n i32.const 1 i32.add local.tee $n i32.const 64 i32.ne br_if $copy
    end
    local.get $sum i32.const 1 i32.add))"""
