"""Instructions of the text format, folded or not, by the rows.

Folding is undone on the way: what is open stands on a stack of this module's own, so that code may
be nested however deep. All names are known before code is read, and so it is written as it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ...errors import TextError, near_miss
from .. import isa
from ..features import why_unknown
from .cursor import show
from .encoding import Piece, opcode
from .immediates import Immediates, Labels

__all__ = ["Hint", "InstructionReader"]

_HINT = "metadata.code.branch_hint"
_BLOCKS = tuple(name for name, form in isa.CONTROL_FORMS.items() if form.opens)
#: forms that only stand in a block of another one
_WITHIN = ("end", "else", "catch", "catch_all", "delegate")
#: parts of a legacy try: its body, a catch, a catch_all, a delegate
_DO, _CATCH, _CATCH_ALL, _DELEGATE = range(1, 5)
_PARTS = {"do": _DO, "catch": _CATCH, "catch_all": _CATCH_ALL, "delegate": _DELEGATE}


#: words that stand in parentheses before the instructions of a function or block
_HEAD = ("param", "result", "local", "export", "import", "type", "then", "else")


class Hint(NamedTuple):
    """A branch hint: where the branch is in its function's code, and what is expected of it."""

    offset: int
    value: bytes


@dataclass(slots=True)
class _Open:
    """What has begun and not ended.

    ``kind`` is ``sequence`` for the whole, ``block`` for what an ``end`` closes, ``folded`` for a
    block or loop in parentheses, ``if`` for an if and ``try`` for a legacy try in parentheses,
    ``clause`` for their ``then``, ``else``, ``do`` and ``catch``, and ``operation`` for any other
    instruction in parentheses.
    """

    kind: str
    form: str | None = None
    label: str | None = None
    #: where it begins in the text, and what is written of it behind its operands
    at: int = 0
    code: bytes = b""
    hint: bytes | None = None
    #: of an if: how many of ``then`` and ``else`` it has had; of a try: which part was the last
    parts: int = 0


class InstructionReader:
    """Reads one expression, or the code of one function."""

    def __init__(self, immediates: Immediates, locals: dict[str, int] | None = None) -> None:
        self.cursor = immediates.cursor
        self.code = Piece()
        self.hints: list[Hint] = []
        self.rows = immediates.spaces.rows
        self._labels = Labels(self.cursor)
        self._immediates = immediates
        self._opened = [_Open("sequence")]
        immediates.enter(locals or {}, self._labels)

    def instructions(self) -> Piece:
        """Reads up to the parenthesis that closes what is around, which stays; gives the code with
        its end."""
        self._read(single=False)
        return self._ended()

    def folded(self) -> Piece:
        """Reads one instruction in parentheses; gives the code with its end."""
        if not self.cursor.match("("):
            raise self.cursor.unexpected("'('")
        self._read(single=True)
        return self._ended()

    def _read(self, *, single: bool) -> None:
        cursor, words, opened = self.cursor, self.cursor.words, self._opened
        while True:
            word = words[cursor.next]
            if word == "(":
                self._begin_folded()
            elif word != ")":
                self._plain()
            elif len(opened) == 1:
                return
            else:
                self._end_folded()
            if single and len(opened) == 1:
                return

    def _ended(self) -> Piece:
        self._write(opcode(self.rows["end"][0]), self.cursor.place)
        return self.code

    def _write(self, code: bytes, at: int, hint: bytes | None = None) -> None:
        if hint is not None:
            self.hints.append(Hint(len(self.code.data), hint))
        self.code.mark(at)
        self.code.data += code

    # -- words

    def _row(self) -> isa.Instruction:
        """Takes the name of an instruction; gives its row, the first if there are several."""
        word = self.cursor.peek()
        rows = self.rows.get(word) if isinstance(word, str) else None
        if rows is None:
            raise self._no_instruction(word)
        self.cursor.take()
        return rows[0]

    def _no_instruction(self, word: str | bytes) -> TextError:
        if word == "":
            raise self.cursor.unexpected("')'")
        if not isinstance(word, str) or not word[0].isalpha():
            message = f"expected an instruction, found {show(word)}"
        elif why := why_unknown(word):
            message = f"unknown instruction {word:.40}{why}"
        else:
            now = next((name for name in _renamed(word[:40]) if name in self.rows), None)
            # one that is spelled right is in the wrong place
            known = () if word in _HEAD else (*_HEAD, *self.rows)
            near = f"; did you mean {now!r}?" if now else near_miss(word[:40], known)
            message = f"unknown instruction {word:.40}{near}"
        return self.cursor.failure(message, self.cursor.place)

    def _take_hint(self, row: isa.Instruction, before: int) -> bytes | None:
        """The branch hint of an instruction that begins with a certain token."""
        annotation = self.cursor.annotation(_HINT, before=before)
        if annotation is None:
            return None
        fault = None
        if annotation.words not in ([b"\0"], [b"\1"]):
            fault = "expected one string, of a byte 0 or 1"
        elif row.form not in ("if", "br_if"):
            fault = f"invalid target {row.name}"
        elif self.cursor.annotation(_HINT, before=before) is not None:
            fault = "duplicate annotation"
        if fault is not None:
            raise self.cursor.failure(f"@{_HINT} annotation: {fault}", annotation.at)
        return b"\1" if annotation.words == [b"\1"] else b"\0"

    # -- instructions that are not folded

    def _plain(self) -> None:
        cursor, top = self.cursor, self._opened[-1]
        at, first = cursor.place, cursor.next
        row = self._row()
        if top.kind in ("operation", "if", "try"):
            raise cursor.failure(f"{row.name} must be folded, as what is around it is")
        hint = self._take_hint(row, first) if cursor.annotations else None
        if row.form in _BLOCKS:
            label = cursor.identifier()
            self._write(self._immediates.read(row), at, hint)
            self._opened.append(_Open("block", row.form, label))
            self._labels.push(label)
        elif row.form == "else":
            if top.kind != "block" or top.form != "if" or top.parts:
                raise cursor.failure("else without a block")
            top.parts = 1
            self._check_label(top)
            self._write(opcode(row), at)
        elif row.form in ("catch", "catch_all", "delegate"):
            self._plain_part(row, top, at)
        elif row.form == "end":
            if top.kind != "block":
                raise cursor.failure("end without a block")
            self._check_label(top)
            self._close_block(at)
        else:
            self._write(self._immediates.read(row), at, hint)

    def _plain_part(self, row: isa.Instruction, top: _Open, at: int) -> None:
        """What comes behind the body of a legacy try."""
        if top.kind != "block":
            raise self.cursor.failure(f"{row.name} without a try")
        self._write(self._part(row, top), at)
        if top.parts == _DELEGATE:
            self._opened.pop()

    def _part(self, row: isa.Instruction, top: _Open) -> bytes:
        """A part of a legacy try behind its body, of which the keyword was taken."""
        part = _PARTS[row.name]
        if top.form != "try" or top.parts >= (_CATCH if part == _DELEGATE else _CATCH_ALL):
            raise self.cursor.failure(f"{row.name} without a try")
        top.parts = part
        if part == _DELEGATE:
            # its label is one of those around the try
            self._labels.pop()
        return self._immediates.read(row)

    def _check_label(self, top: _Open) -> None:
        label = self.cursor.identifier()
        if label is not None and label != top.label:
            raise self.cursor.failure(f"mismatching label {label:.40}")

    def _close_block(self, at: int) -> None:
        self._opened.pop()
        self._labels.pop()
        self._write(opcode(self.rows["end"][0]), at)

    # -- folded ones

    def _begin_folded(self) -> None:
        """Reads up to the operands."""
        cursor, top = self.cursor, self._opened[-1]
        if top.kind == "if":
            if cursor.peek(1) in ("then", "else"):
                self._begin_clause(top)
                return
            if top.parts:
                raise cursor.unexpected("')'")
        if top.kind == "try":
            self._begin_part(top)
            return
        first = cursor.next
        cursor.next += 1
        at = cursor.place
        row = self._row()
        if row.form in _WITHIN:
            raise cursor.failure(f"{row.form} without a block")
        hint = self._take_hint(row, first) if cursor.annotations else None
        label = cursor.identifier() if row.form in _BLOCKS else None
        code = self._immediates.read(row)
        if row.form in _BLOCKS and row.form != "if":
            self._write(code, at)
            kind = "try" if row.form == "try" else "folded"
            self._opened.append(_Open(kind, row.form, label))
            self._labels.push(label)
        else:
            kind = "if" if row.form == "if" else "operation"
            self._opened.append(_Open(kind, row.form, label, at, code, hint))

    def _begin_clause(self, top: _Open) -> None:
        """Begins the ``then`` of an if, which is written here, or its ``else``."""
        cursor = self.cursor
        at, word = cursor.place, cursor.peek(1)
        cursor.next += 2
        if (word == "else") != (top.parts == 1) or top.parts > 1:
            raise cursor.failure(f"{word!s} does not belong here")
        if word == "then":
            self._write(top.code, top.at, top.hint)
            self._labels.push(top.label)
        else:
            self._write(opcode(self.rows["else"][0]), at)
        top.parts += 1
        self._opened.append(_Open("clause"))

    def _begin_part(self, top: _Open) -> None:
        """Begins the ``do`` of a legacy try, or a part behind it."""
        cursor = self.cursor
        at, word = cursor.place, cursor.peek(1)
        part = _PARTS.get(word, 0) if isinstance(word, str) else 0
        if not part or (part == _DO) != (top.parts == 0):
            raise cursor.failure(
                f"expected a part of a try, found {show(word)}", cursor.places[cursor.next + 1]
            )
        cursor.next += 2
        if part == _DO:
            top.parts = _DO
        else:
            self._write(self._part(self.rows[str(word)][0], top), at)
        self._opened.append(_Open("clause"))
        if part == _DELEGATE and not cursor.match(")"):
            raise cursor.unexpected("')'")

    def _end_folded(self) -> None:
        """Closes what is in parentheses."""
        cursor, top = self.cursor, self._opened[-1]
        at = cursor.place
        cursor.take()
        if top.kind == "block":
            raise cursor.failure("a block that does not end")
        if top.kind == "if" and not top.parts:
            raise cursor.failure("expected '(then', found ')'")
        if top.kind == "try" and not top.parts:
            raise cursor.failure("expected '(do', found ')'")
        if top.kind in ("folded", "if", "try") and top.parts != _DELEGATE:
            self._close_block(at)
            return
        self._opened.pop()
        if top.kind == "operation":
            self._write(top.code, top.at, top.hint)


def _renamed(word: str) -> Iterator[str]:
    """What an instruction may be called that had this name before the first release, which old
    texts still have: the parts the other way round, or the two types at the end."""
    yield ".".join(reversed(word.split("_", 1)))
    yield word.replace("/", "_")
    yield re.sub(r"_([su])/(\w+)$", r"_\2_\1", word)
