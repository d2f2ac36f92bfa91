"""The engine: WebAssembly, and nothing of plugins."""
