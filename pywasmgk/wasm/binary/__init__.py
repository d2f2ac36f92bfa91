"""Bytes to :class:`Module` (spec, "Binary Format"), on ppci's reader."""
