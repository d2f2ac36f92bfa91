;; it never ends
(module
  (global $turns (mut i32) (i32.const 0))
  (func (export "forever")
    (loop $again
      (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
      (br $again)))
  (func $down (export "deeper") (param $n i32) (result i32)
    (call $down (i32.add (local.get $n) (i32.const 1)))))
