"""Packages of npm, called through ``pywasmgk.compat`` and under Node.

``programs`` is the table of them: for each one what Python does, in at most 15 lines, and the same
in JavaScript. ``process`` runs one on one engine in a process of its own; ``npm_packages`` (beside
this folder) fetches, compares and prints.
"""
