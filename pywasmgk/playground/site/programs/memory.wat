;; turns a word in memory round, in its place
(module
  (memory (export "memory") 1)
  (data (i32.const 16) "stressed")
  (func $swap (param $left i32) (param $right i32)
    (local $byte i32)
    (local.set $byte (i32.load8_u (local.get $left)))
    (i32.store8 (local.get $left) (i32.load8_u (local.get $right)))
    (i32.store8 (local.get $right) (local.get $byte)))
  (func $reverse (export "reverse") (param $start i32) (param $size i32)
    (local $end i32)
    (local.set $end
      (i32.sub (i32.add (local.get $start) (local.get $size)) (i32.const 1)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $start) (local.get $end)))
        (call $swap (local.get $start) (local.get $end))
        (local.set $start (i32.add (local.get $start) (i32.const 1)))
        (local.set $end (i32.sub (local.get $end) (i32.const 1)))
        (br $next)))))
