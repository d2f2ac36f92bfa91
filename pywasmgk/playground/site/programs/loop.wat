;; 1 + 2 + ... + n
(module
  (func $sum (export "sum") (param $n i32) (result i32)
    (local $total i32)
    (loop $again
      (local.set $total
        (i32.add (local.get $total) (local.get $n)))
      (local.set $n
        (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $total)))
