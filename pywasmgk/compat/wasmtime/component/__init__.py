"""Components are another format, with an interface language of its own: this is not it."""

raise ImportError(
    "pywasmgk.compat.wasmtime has no component model: types, linking and canonical ABI of "
    "components are missing. `pywasmgk inspect FILE` shows what a component holds, and its "
    "--extract takes the core modules out, which wasmtime.Module loads."
)
