"""Programs that people run: built by other people's compilers, published in registries.

``packages`` fetches their modules, ``glue`` is the host that they expect, ``programs`` is the table
of them with a script each, ``engines`` opens a module on an engine, ``process`` runs one program on
one engine in a process of its own, and ``real`` (beside this folder) measures and prints.
"""
