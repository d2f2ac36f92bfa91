"""Executions that somebody holds: stepped, stopped, looked into and taken back.

``execution`` is what is held; ``holding`` its account; ``stops`` are breakpoints and watchpoints;
``activations`` show frames; ``world`` is the state of what it runs on, and ``history`` goes back
to earlier ones.
"""
