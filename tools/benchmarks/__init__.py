"""The benchmarks behind ``tools/bench``, a module for each kind."""
