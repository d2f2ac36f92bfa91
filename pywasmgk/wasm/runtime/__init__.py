"""Execution (spec, "Runtime Structure"): instances, functions, memories, accounts, tiers."""
