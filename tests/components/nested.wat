(component
  (core module $m (func (export "f") (result i32) i32.const 7))
  (component $inner
    (core module $deep (func (export "g") (result i32) i32.const 9))
    (core instance $i (instantiate $deep))
    (func (export "g") (result u32) (canon lift (core func $i "g"))))
  (instance $x (instantiate $inner))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (export "f" (func $f))
  (export "g" (func $x "g")))
