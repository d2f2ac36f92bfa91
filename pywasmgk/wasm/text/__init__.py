"""The text format: disassembly for people, and WAT as input."""
