(module
  (import "$root" "log" (func $log (param i32 i32)))
  (import "demo:shapes/geometry@0.1.0" "area" (func $area (param i32 i64 i32) (result f64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "run") (param i32 i32) (result i32) i32.const 0 i32.const 0 call $log i32.const 16)
  (func (export "tools#flip") (param f64 f64) (result i32) i32.const 32)
  (@producers (language "WAT" "1") (processed-by "hand" "2")))
