"""pywasmgk: the WebAssembly plugin runtime that is nothing but Python."""
