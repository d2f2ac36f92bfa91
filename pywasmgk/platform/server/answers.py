"""What becomes of a plugin's answer, or of its failure, for who has asked."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from ...error_forms import error_form
from ...errors import (
    CallError,
    CallTimeout,
    Cancelled,
    PlatformError,
    PluginClosed,
    PluginDisabled,
    PluginNotFound,
    ResultError,
)
from .inert import inert_json
from .workers import Crowded

__all__ = ["RAW_POLICY", "JSONAnswer", "error_answer", "raw_page", "status_of", "wants_page"]

#: of a page that is the plugin's alone: in a sandbox, without scripts, and nothing from elsewhere
RAW_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STATUSES: tuple[tuple[type[BaseException], int], ...] = (
    (PluginNotFound, 404),
    (PluginDisabled, 503),
    (PluginClosed, 503),
    (Crowded, 503),
    (CallTimeout, 504),
    (ResultError, 502),
    (CallError, 502),
    (PlatformError, 500),
)


class JSONAnswer(JSONResponse):
    """JSON with nothing in it that a page could take for markup, whatever it is taken for."""

    def render(self, content: Any) -> bytes:
        """ASCII."""
        return inert_json(content).encode("ascii")


def status_of(error: BaseException) -> int:
    """HTTP's status for what a call has raised."""
    if isinstance(error.__cause__, Cancelled):
        return 499
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def error_answer(error: BaseException, *, frames: bool) -> Response:
    """An error as JSON. ``frames`` tells where in the guest it happened, to who may know."""
    status = status_of(error)
    if isinstance(error, Crowded):
        form: dict[str, Any] = {"type": "Crowded", "message": "too many calls are waiting"}
    else:
        form = error_form(error)
    if not frames:
        form = {key: form[key] for key in ("type", "message") if key in form}
    headers = {"Retry-After": "1"} if status == 503 else {}
    return JSONAnswer({"error": form}, status, headers)


def wants_page(accept: str) -> bool:
    """Whether somebody who accepts these types is to have a page, where there is one: a browser's
    window, or who does not mind."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return "text/html" in kinds or kinds in ([""], ["*/*"])


def raw_page(html: str) -> Response:
    """A page that is the plugin's alone."""
    return HTMLResponse(html, headers={"Content-Security-Policy": RAW_POLICY})
