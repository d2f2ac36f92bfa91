;; the mean of numbers in memory; there is a fault in it
(module
  (memory (export "memory") 1)
  (data (i32.const 0) "\0a\00\00\00" "\14\00\00\00" "\1e\00\00\00")
  (func $mean (export "mean") (param $count i32) (result i32)
    (local $sum i32) (local $at i32)
    (loop $next
      (local.set $sum
        (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (i32.div_u (local.get $sum) (local.get $count))))
