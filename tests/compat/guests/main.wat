;; A main module that takes side modules.
(module
  (memory (export "memory") 2)
  (table (export "__indirect_function_table") 2 100 funcref)
  (global (export "shared") i32 (i32.const 512))
  (global $top (mut i32) (i32.const 70000))
  (func (export "malloc") (param i32) (result i32)
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get 0))))
  (func (export "free") (param i32))
  (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
