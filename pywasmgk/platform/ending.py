"""Many plugins are ended at once, and none of them keeps the others waiting (W48)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from ..errors import CallTimeout
from ..plugin import Plugin
from .service import Service
from .starting import started

__all__ = ["shut_down_all"]

#: seconds that a call is given to end once it was told to
_AFTER_FORCE = 2.0


def shut_down_all(
    services: Mapping[str, Service], seconds: Callable[[str], float]
) -> dict[str, BaseException]:
    """Closes services, all at the same time, each within its ``seconds``. A call that still runs
    then is ended; what does not end even so is left behind. Gives what went wrong, by name."""
    errors: dict[str, BaseException] = {}
    jobs = []
    for name, service in sorted(services.items()):
        allowed = seconds(name)

        def close(name: str = name, service: Service = service, allowed: float = allowed) -> None:
            error = _closed(service, allowed)
            if error is not None:
                errors[name] = error

        # those that never end must not keep the process from ending
        thread = threading.Thread(target=close, name=f"shutdown {name}", daemon=True)
        jobs.append((name, thread, allowed))
    began = time.monotonic()
    waited_for = [(name, thread, allowed) for name, thread, allowed in jobs if started(thread)]
    for name, thread, allowed in waited_for:
        thread.join(max(began + allowed + _AFTER_FORCE - time.monotonic(), 0.0))
        if thread.is_alive():
            errors[name] = CallTimeout(f"still running after {allowed + _AFTER_FORCE:g} s")
    return {name: errors[name] for name in sorted(errors)}


def _closed(service: Service, allowed: float) -> BaseException | None:
    try:
        service.close(allowed)
    except CallTimeout as error:
        plugin = service.plugin
        if isinstance(plugin, Plugin):
            with suppress(CallTimeout):
                plugin.shutdown(force=True, timeout=_AFTER_FORCE)
        return error
    except Exception as error:  # whatever a plugin raises
        return error
    return None
