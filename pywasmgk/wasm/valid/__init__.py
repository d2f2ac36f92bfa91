"""Validation (spec, "Validation"); its by-product is the block map of a function."""
