"""Transformations of the intermediate form, in the order of the pipeline."""
