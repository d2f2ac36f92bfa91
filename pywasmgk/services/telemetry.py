"""Spans and metrics of OpenTelemetry, for plugins' calls and their host calls (extra
``telemetry``). A host without it does not pay for it: it has no observer then.

Spans: ``plugin NAME`` with the function, fuel and outcome, and inside of it ``host_call NAME``.
Metrics: ``pywasmgk.plugin.duration`` and ``pywasmgk.host_call.duration`` (seconds),
``pywasmgk.plugin.fuel`` (instructions), by plugin, host function and outcome. What plugins and
callers name as they like stands in spans only: each value of a metric's attribute is kept for good.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._version import __version__
from ..plugin.host import CallContext, CallObserver
from ..plugin.host_functions import FUNCTIONS, RESERVED
from ..printable import printable
from .failures import required_module

__all__ = ["Telemetry"]

_SCOPE = "pywasmgk"
_LONGEST_NAME = 200
_KNOWN = frozenset({*FUNCTIONS, *RESERVED})


class Telemetry(CallObserver):
    """Tells providers of OpenTelemetry, or the global ones. Raises ConfigError where its API is
    not installed."""

    def __init__(self, *, tracer_provider: Any = None, meter_provider: Any = None) -> None:
        trace = required_module("opentelemetry.trace", "telemetry", "telemetry")
        metrics = required_module("opentelemetry.metrics", "telemetry", "telemetry")
        self._trace = trace
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        self._calls = meter.create_histogram(
            "pywasmgk.plugin.duration", unit="s", description="Time of plugins' calls."
        )
        self._fuel = meter.create_histogram(
            "pywasmgk.plugin.fuel", unit="{instruction}", description="Fuel of plugins' calls."
        )
        self._host_calls = meter.create_histogram(
            "pywasmgk.host_call.duration", unit="s", description="Time of plugins' host calls."
        )

    @contextmanager
    def plugin_call(self, ctx: CallContext, function: str) -> Iterator[None]:
        """A span, and the call's time and fuel."""
        attributes = {
            "pywasmgk.plugin": ctx.caller,
            "pywasmgk.function": printable(function[:_LONGEST_NAME]),
            "pywasmgk.org_id": ctx.org_id,
        }
        meter, before = ctx.meter, 0 if ctx.meter is None else ctx.meter.fuel_used
        labels: dict[str, Any] = {"pywasmgk.plugin": ctx.caller}
        with self._span(f"plugin {printable(ctx.caller)}", attributes, labels, self._calls) as span:
            try:
                yield
            finally:
                fuel = 0 if meter is None else meter.fuel_used - before
                span.set_attribute("pywasmgk.fuel", fuel)
                self._fuel.record(fuel, labels)

    @contextmanager
    def host_call(self, ctx: CallContext, name: str) -> Iterator[None]:
        """A span, and the host call's time."""
        shown = printable(name[:_LONGEST_NAME])
        attributes = {"pywasmgk.plugin": ctx.caller, "pywasmgk.host_call": shown}
        labels = {**attributes, "pywasmgk.host_call": name if name in _KNOWN else "other"}
        with self._span(f"host_call {shown}", attributes, labels, self._host_calls):
            yield

    @contextmanager
    def _span(
        self, name: str, attributes: dict[str, Any], labels: dict[str, Any], histogram: Any
    ) -> Iterator[Any]:
        """A span, current inside, with its outcome; its time goes into a histogram. Of exceptions
        the class is told: their texts may be anything."""
        began, outcome = time.perf_counter(), "ok"
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                outcome = type(error).__name__
                span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, outcome))
                raise
            finally:
                span.set_attribute("pywasmgk.outcome", outcome)
                seconds = time.perf_counter() - began
                histogram.record(seconds, {**labels, "pywasmgk.outcome": outcome})
