"""Core dumps of WebAssembly (tool-conventions, "Coredump.md").

``parts`` is what is in one, ``writing`` and ``reading`` its file format, ``capturing`` makes one of
an execution that is held, or of what ``runtime.witness`` has seen of a call that trapped.
"""
