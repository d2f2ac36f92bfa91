"""A report for who grades, as one HTML file: no scripts, nothing from elsewhere, text escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.resources import files

from ..._version import __version__
from ...printable import as_markup
from ..judging import Grade, TestGrade
from ..specification import Specification
from ..verdicts import MEANINGS, Verdict
from .plots import fuel_plot, points_plot, verdicts_plot
from .student import amount
from .table import summary

__all__ = ["page"]

#: submissions whose messages are in it; of others the table tells
_MOST_DETAILS = 500
_MOST_COLUMNS = 40


def page(specification: Specification, grades: Sequence[Grade]) -> str:
    """The document. The same grades give the same bytes."""
    style = files(__package__).joinpath("page.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = as_markup(specification.title)
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n",
            f"<h1>{title}</h1>\n<p>{as_markup(_about(grades))}</p>\n",
            *(_plots(grades) if grades else ()),
            _submissions(specification, grades),
            *_details(grades),
            f"<footer>pywasmgk {as_markup(__version__)}</footer>\n</body>\n</html>\n",
        )
    )


def _about(grades: Sequence[Grade]) -> str:
    if not grades:
        return "no submissions"
    points = sorted(grade.points for grade in grades)
    median = amount(points[(len(points) - 1) // 2])
    mean = amount(round(sum(points) / len(points), 2))
    return (
        f"{summary(grades)}. Median {median}, mean {mean} of {amount(grades[0].max_points)} points."
    )


def _plots(grades: Sequence[Grade]) -> Iterable[str]:
    yield '<div class="plots">\n'
    for title, picture, below in (
        ("Points", points_plot(grades), ""),
        ("Verdicts by test", verdicts_plot(grades), _legend(grades)),
        ("Instructions by test", fuel_plot(grades), ""),
    ):
        yield f"<section><h2>{title}</h2>{picture}{below}</section>\n"
    yield "</div>\n"


def _legend(grades: Sequence[Grade]) -> str:
    seen = {test.verdict for grade in grades for test in grade.tests}
    items = (f"<li>{_badge(v)} {MEANINGS[v]}</li>" for v in Verdict if v in seen)
    return f'<ul class="legend">{"".join(items)}</ul>'


def _badge(verdict: Verdict) -> str:
    return f'<span class="v {verdict}" title="{MEANINGS[verdict]}">{verdict}</span>'


def _submissions(specification: Specification, grades: Sequence[Grade]) -> str:
    names = [test.name for test in specification.tests[:_MOST_COLUMNS]]
    heads = "".join(f'<th scope="col">{as_markup(name[:24])}</th>' for name in names)
    rows = "".join(map(_row, grades))
    return (
        '<section><h2>Submissions</h2>\n<div class="scroll" tabindex="0"><table><thead><tr>'
        '<th scope="col">submission</th><th scope="col">verdict</th><th scope="col">points</th>'
        f"{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div></section>\n"
    )


def _row(grade: Grade) -> str:
    tests = "".join(f"<td>{_badge(test.verdict)}</td>" for test in grade.tests[:_MOST_COLUMNS])
    name = as_markup(grade.submission)
    return (
        f'<tr><td class="name" title="{name}">{name}</td><td>{_badge(grade.verdict)}</td>'
        f'<td class="number">{amount(grade.points)}</td>{tests}</tr>\n'
    )


def _details(grades: Sequence[Grade]) -> Iterable[str]:
    wrong = [grade for grade in grades if grade.verdict is not Verdict.AC]
    if not wrong:
        return
    yield "<section><h2>What went wrong</h2>\n"
    for grade in wrong[:_MOST_DETAILS]:
        score = f"{amount(grade.points)} of {amount(grade.max_points)}"
        yield f"<details><summary>{_badge(grade.verdict)} {as_markup(grade.submission)}: {score}"
        yield "</summary>\n"
        if grade.problem is not None:
            yield _block(grade.problem, grade.tests[0].inside)
        else:
            yield from map(_test, (t for t in grade.tests if t.verdict is not Verdict.AC))
        yield "</details>\n"
    if len(wrong) > _MOST_DETAILS:
        yield f"<p>And {len(wrong) - _MOST_DETAILS:,} more submissions.</p>\n"
    yield "</section>\n"


def _test(test: TestGrade) -> str:
    hidden = " (hidden)" if test.hidden else ""
    printed = f"It printed:\n{test.output}" if test.output else ""
    body = _block(test.message, test.inside, printed)
    return f"<h3>{_badge(test.verdict)} {as_markup(test.name)}{hidden}</h3>{body}\n"


def _block(*texts: str) -> str:
    text = "\n".join(filter(None, texts))
    return f"<pre>{as_markup(text)}</pre>" if text else ""
