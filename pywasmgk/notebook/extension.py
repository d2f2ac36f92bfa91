"""``%load_ext pywasmgk``: the magics, their completion, and how a guest's failure is shown."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ..errors import GuestError
from .magics import WasmMagics
from .traps import unwatch, watch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Registers it with a shell; IPython calls this."""
    magics = WasmMagics(shell)
    shell.register_magics(magics)
    for name in ("wasm_run", "wasm_profile"):
        shell.set_hook("complete_command", magics.complete, re_key=rf"%+{name}\b")
    watch()
    shell.set_custom_exc((GuestError,), _show_failure)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Takes it out again, but for the magics' names; IPython calls this."""
    unwatch()
    shell.set_custom_exc((), None)


def _show_failure(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> Any:
    """The traceback that there always is, and below it the guest's frames with their code."""
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
    display(error)
