;; a table of functions: the number says which one is called
(module
  (type $binary (func (param i32 i32) (result i32)))
  (table funcref (elem $add $sub $mul $quot))
  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $sub (type $binary) (i32.sub (local.get 0) (local.get 1)))
  (func $mul (type $binary) (i32.mul (local.get 0) (local.get 1)))
  (func $quot (type $binary) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "calculate") (param $which i32) (param $a i32) (param $b i32) (result i32)
    (call_indirect (type $binary)
      (local.get $a) (local.get $b) (local.get $which))))
