"""Packages of PyPI that depend on wasmtime, run on the door and beside wasmtime."""
