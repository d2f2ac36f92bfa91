(module
  (func (export "sum") (param $n i32) (result i32)
    (local $sum i32)
    (block $done
      (loop $next
        (local.set $sum
          (i32.add (local.get $sum) (i32.mul (local.get $n) (local.get $n))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $sum)))
