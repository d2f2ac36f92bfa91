;; a program: it asks, waits for a line, and answers
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "What is your name? ")
  (data (i32.const 96) "Hello, ")
  (data (i32.const 112) "Nobody? Then good-bye.\n")

  ;; a list of one buffer at 0; how many bytes came or went is at 8
  (func $buffer (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $size)))
  (func $print (param $at i32) (param $size i32)
    (call $buffer (local.get $at) (local.get $size))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $read (param $at i32) (param $size i32) (result i32)
    (call $buffer (local.get $at) (local.get $size))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))

  (func (export "_start")
    (local $size i32)
    (loop $again
      (call $print (i32.const 64) (i32.const 19))
      (local.set $size (call $read (i32.const 256) (i32.const 200)))
      (if (i32.gt_u (local.get $size) (i32.const 1))
        (then
          (call $print (i32.const 96) (i32.const 7))
          (call $print (i32.const 256) (local.get $size))
          (br $again))))
    (call $print (i32.const 112) (i32.const 23))))
