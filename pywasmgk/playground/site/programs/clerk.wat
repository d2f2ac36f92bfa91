;; a plugin: whoever calls it by name, the host is asked and its answer handed on
(module
  (import "gk" "host_call"
    (func $host_call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 16) "{\"name\": \"clerk\", \"version\": \"1.0.0\", \"description\": \"Asks its host\"}")
  (data (i32.const 128) "open_tickets")

  ;; memory is handed out from here up, like a stack
  (global $top (mut i32) (i32.const 4096))

  ;; pointer and length in one number
  (func $pack (param $at i32) (param $size i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
      (i64.extend_i32_u (local.get $size))))

  (func (export "gk_register") (result i64)
    (call $pack (i32.const 16) (i32.const 69)))
  (func (export "gk_malloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "gk_free") (param $at i32)
    (global.set $top (local.get $at)))

  ;; the argument goes to the host's function, and its answer to whoever called
  (func (export "gk_call")
      (param $name i32) (param $name_size i32) (param $args i32) (param $args_size i32)
      (result i64)
    (call $host_call
      (i32.const 128) (i32.const 12) (local.get $args) (local.get $args_size))))
