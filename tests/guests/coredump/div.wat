;; Divides by zero. wasmtime.core is what wasmtime 49.0.3 wrote of it:
;; wasmtime run -D coredump=wasmtime.core --invoke f div.wat 0
(module (memory 2 4) (global $g (mut i64) (i64.const -5)) (global f32 (f32.const nan:0x200001)) (global v128 (v128.const i32x4 1 2 3 4)) (global funcref (ref.null func))
 (data (i32.const 70000) "hello")
 (func $div (param $a i32) (param $b i32) (result i32) (local $x f64) (local $v v128) (local.set $x (f64.const 1.5)) (i32.const 77) (i32.div_s (local.get $a) (local.get $b)) i32.add)
 (func (export "f") (param $n i32) (result i32) (global.set $g (i64.const 42)) (i32.const 9) (call $div (i32.const -3) (local.get $n)) i32.add))
