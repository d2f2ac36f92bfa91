"""The interpreter: prepared code, explicit frames, generated dispatch loops."""
