;; 3 * 4 + 5, one instruction a line
(module
  (func (export "compute") (result i32)
    i32.const 3
    i32.const 4
    i32.mul
    i32.const 5
    i32.add))
