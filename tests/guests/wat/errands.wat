;; The errands plugin in WebAssembly's text format; tests/plugin/test_toolchains.py says what it
;; answers. Handlers find their arguments between $at and $end, and write at $out, behind which
;; there is room for the longest answer there can be.
(module $errands
  (type $handler (func))
  (import "gk" "host_call"
    (func $host_call (param $name i32) (param $name_size i32) (param $request i32) (param $size i32)
      (result i64)))
  (import "gk" "log" (func $log (param $level i32) (param $message i32) (param $size i32)))

  ;; 1024: remainders for the CRC, filled at the start; 2048: texts; 4096: the heap
  (memory (export "memory") 1)
  (table funcref (elem $ask $count $echo $fail $hash $note $root $sum))

  (global $top (mut i32) (i32.const 4096)) ;; end of the heap's last block
  (global $at (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))
  (global $answer (mut i32) (i32.const 0))
  (global $out (mut i32) (i32.const 0))
  (global $calls (mut i64) (i64.const 0))

  ;; names of the handlers, eight bytes each: the size first
  (data (i32.const 2048)
    "\03ask____" "\05count__" "\04echo___" "\04fail___" "\04hash___" "\04note___" "\04root___"
    "\03sum____")
  (data (i32.const 2112) "unreachable")
  (data (i32.const 2128) "divide")
  (data (i32.const 2144) "bounds")
  (data (i32.const 2160) "recurse")
  (data (i32.const 2176) "loop")
  (data (i32.const 2192) "unknown function: ")
  (data (i32.const 2224) "unknown kind: ")
  (data (i32.const 2240) "host call failed: ")
  (data (i32.const 2272) "numbers expected")
  (data (i32.const 2288) "number expected")
  (data (i32.const 2304) "level expected")
  (data (i32.const 2320) "{\"error\":\"")
  (data (i32.const 2336) "{\"calls\":")
  (data (i32.const 2352) "{\"count\":")
  (data (i32.const 2368) ",\"sum\":")
  (data (i32.const 2384) "{\"root\":")
  (data (i32.const 2400) "{\"noted\":")
  (data (i32.const 2416) "{\"crc32\":\"")
  (data (i32.const 2432) "\",\"fnv1a\":\"")
  (data (i32.const 2448) "\\u")
  (data (i32.const 2464) "\"}")
  (data (i32.const 2480) "0123456789abcdef")
  (data (i32.const 2560)
    "{\"name\":\"errands\",\"version\":\"1.0.0\","
    "\"description\":\"Runs errands, the same in every language\","
    "\"author\":\"pywasmgk\",\"license\":\"Apache-2.0\",\"homepage\":\"\","
    "\"routes\":[{\"method\":\"POST\",\"path\":\"/errands/sum\",\"handler\":\"sum\"}],"
    "\"error_codes\":[{\"code\":\"errands.numbers\",\"message\":\"numbers expected\","
    "\"http_status\":422}]}")

  ;; ---- memory: blocks from 4096 to $top, each behind eight bytes: its size, whether it is used

  (func $next (param $block i32) (result i32)
    (i32.add (i32.add (local.get $block) (i32.const 8)) (i32.load (local.get $block))))

  ;; Joins the free blocks behind a free one to it.
  (func $join (param $block i32)
    (local $next i32)
    (loop $more
      (local.set $next (call $next (local.get $block)))
      (if (i32.ge_u (local.get $next) (global.get $top)) (then (return)))
      (if (i32.load offset=4 (local.get $next)) (then (return)))
      (i32.store (local.get $block)
        (i32.add (i32.load (local.get $block))
          (i32.add (i32.load (local.get $next)) (i32.const 8))))
      (br $more)))

  ;; Grows the memory until an address lies inside; 0 if that cannot be.
  (func $reach (param $wanted i32) (result i32)
    (local $have i32)
    (local.set $have (i32.shl (memory.size) (i32.const 16)))
    (if (i32.le_u (local.get $wanted) (local.get $have)) (then (return (i32.const 1))))
    (i32.ne (i32.const -1)
      (memory.grow
        (i32.shr_u
          (i32.add (i32.sub (local.get $wanted) (local.get $have)) (i32.const 0xFFFF))
          (i32.const 16)))))

  ;; The first free block that fits, whole; 0 if there is none.
  (func $find (param $size i32) (result i32)
    (local $block i32)
    (local.set $block (i32.const 4096))
    (block $none
      (loop $walk
        (br_if $none (i32.ge_u (local.get $block) (global.get $top)))
        (if (i32.eqz (i32.load offset=4 (local.get $block)))
          (then
            (call $join (local.get $block))
            (if (i32.ge_u (i32.load (local.get $block)) (local.get $size))
              (then (return (local.get $block))))))
        (local.set $block (call $next (local.get $block)))
        (br $walk)))
    (i32.const 0))

  ;; A new block at the top; 0 if there is no memory for it.
  (func $append (param $size i32) (result i32)
    (local $block i32)
    (local.set $block (global.get $top))
    (if (i32.gt_u (local.get $size) (i32.sub (i32.const -16) (local.get $block)))
      (then (return (i32.const 0))))
    (if (i32.eqz
          (call $reach (i32.add (local.get $block) (i32.add (local.get $size) (i32.const 8)))))
      (then (return (i32.const 0))))
    (i32.store (local.get $block) (local.get $size))
    (global.set $top (call $next (local.get $block)))
    (local.get $block))

  (func $malloc (export "gk_malloc") (param $wanted i32) (result i32)
    (local $size i32) (local $block i32) (local $rest i32)
    (if (i32.gt_u (local.get $wanted) (i32.const 0xFFFFFF00)) (then (return (i32.const 0))))
    (local.set $size
      (i32.and (i32.add (local.get $wanted) (i32.const 7)) (i32.const -8)))
    (local.set $block (call $find (local.get $size)))
    (if (i32.eqz (local.get $block))
      (then (local.set $block (call $append (local.get $size)))))
    (if (i32.eqz (local.get $block)) (then (return (i32.const 0))))
    (i32.store offset=4 (local.get $block) (i32.const 1))
    (local.set $rest (i32.sub (i32.load (local.get $block)) (local.get $size)))
    (if (i32.ge_u (local.get $rest) (i32.const 8))
      (then ;; what is left over stays free
        (i32.store (local.get $block) (local.get $size))
        (i64.store (call $next (local.get $block))
          (i64.extend_i32_u (i32.sub (local.get $rest) (i32.const 8))))))
    (i32.add (local.get $block) (i32.const 8)))

  ;; Ignores what $malloc did not give.
  (func $free (export "gk_free") (param $address i32)
    (local $block i32)
    (local.set $block (i32.const 4096))
    (loop $walk
      (if (i32.ge_u (local.get $block) (global.get $top)) (then (return)))
      (if (i32.eq (i32.add (local.get $block) (i32.const 8)) (local.get $address))
        (then
          (i32.store offset=4 (local.get $block) (i32.const 0))
          (return)))
      (local.set $block (call $next (local.get $block)))
      (br $walk)))

  ;; ---- writing

  (func $put (param $from i32) (param $size i32)
    (memory.copy (global.get $out) (local.get $from) (local.get $size))
    (global.set $out (i32.add (global.get $out) (local.get $size))))

  (func $put_byte (param $byte i32)
    (i32.store8 (global.get $out) (local.get $byte))
    (global.set $out (i32.add (global.get $out) (i32.const 1))))

  (func $put_hex (param $value i64) (param $digits i32)
    (loop $more
      (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
      (call $put_byte
        (i32.load8_u offset=2480
          (i32.and (i32.const 15)
            (i32.wrap_i64
              (i64.shr_u (local.get $value)
                (i64.extend_i32_u (i32.shl (local.get $digits) (i32.const 2))))))))
      (br_if $more (local.get $digits))))

  (func $put_decimal (param $value i64)
    (local $power i64)
    (if (i64.lt_s (local.get $value) (i64.const 0))
      (then
        (call $put_byte (i32.const 0x2D))
        (local.set $value (i64.sub (i64.const 0) (local.get $value)))))
    (local.set $power (i64.const 1))
    (block $found
      (loop $search
        (br_if $found
          (i64.lt_u (i64.div_u (local.get $value) (local.get $power)) (i64.const 10)))
        (local.set $power (i64.mul (local.get $power) (i64.const 10)))
        (br $search)))
    (loop $more
      (call $put_byte
        (i32.add (i32.const 0x30)
          (i32.wrap_i64
            (i64.rem_u (i64.div_u (local.get $value) (local.get $power)) (i64.const 10)))))
      (local.set $power (i64.div_u (local.get $power) (i64.const 10)))
      (br_if $more (i64.ne (local.get $power) (i64.const 0)))))

  (func $put_escaped_byte (param $byte i32)
    (if (i32.lt_u (local.get $byte) (i32.const 0x20))
      (then
        (call $put (i32.const 2448) (i32.const 2))
        (call $put_hex (i64.extend_i32_u (local.get $byte)) (i32.const 4))
        (return)))
    (if (i32.or
          (i32.eq (local.get $byte) (i32.const 0x22))
          (i32.eq (local.get $byte) (i32.const 0x5C)))
      (then (call $put_byte (i32.const 0x5C))))
    (call $put_byte (local.get $byte)))

  ;; The answer {"error": message and detail}.
  (func $failed (param $message i32) (param $size i32) (param $detail i32) (param $end i32)
    (call $put (i32.const 2320) (i32.const 10))
    (call $put (local.get $message) (local.get $size))
    (block $done
      (loop $more
        (br_if $done (i32.eq (local.get $detail) (local.get $end)))
        (call $put_escaped_byte (i32.load8_u (local.get $detail)))
        (local.set $detail (i32.add (local.get $detail) (i32.const 1)))
        (br $more)))
    (call $put (i32.const 2464) (i32.const 2)))

  ;; ---- reading

  (func $size (result i32) (i32.sub (global.get $end) (global.get $at)))

  ;; The next byte; -1 at the end.
  (func $peek (result i32)
    (if (result i32) (call $size)
      (then (i32.load8_u (global.get $at)))
      (else (i32.const -1))))

  (func $skip (param $count i32)
    (global.set $at (i32.add (global.get $at) (local.get $count))))

  (func $take (param $byte i32) (result i32)
    (local $found i32)
    (local.set $found (i32.eq (call $peek) (local.get $byte)))
    (call $skip (local.get $found))
    (local.get $found))

  ;; The next digit's value; 10 or more if there is none.
  (func $digit (result i32) (i32.sub (call $peek) (i32.const 0x30)))

  ;; Takes up to 18 digits, which fit into 64 bits; -1 if there is none, or there are more.
  (func $take_digits (result i64)
    (local $value i64) (local $count i32)
    (block $done
      (loop $more
        (br_if $done (i32.gt_u (call $digit) (i32.const 9)))
        (local.set $value
          (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (call $digit))))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (call $skip (i32.const 1))
        (br $more)))
    (select (local.get $value) (i64.const -1)
      (i32.lt_u (i32.sub (local.get $count) (i32.const 1)) (i32.const 18))))

  (func $same (param $a i32) (param $a_size i32) (param $b i32) (param $b_size i32) (result i32)
    (if (i32.ne (local.get $a_size) (local.get $b_size)) (then (return (i32.const 0))))
    (block $differs
      (loop $more
        (if (i32.eqz (local.get $a_size)) (then (return (i32.const 1))))
        (local.set $a_size (i32.sub (local.get $a_size) (i32.const 1)))
        (br_if $differs
          (i32.ne
            (i32.load8_u (i32.add (local.get $a) (local.get $a_size)))
            (i32.load8_u (i32.add (local.get $b) (local.get $a_size)))))
        (br $more)))
    (i32.const 0))

  ;; Whether the arguments are a text of this module's.
  (func $is (param $text i32) (param $size i32) (result i32)
    (call $same (global.get $at) (call $size) (local.get $text) (local.get $size)))

  ;; ---- handlers

  (func $echo (call $put (global.get $at) (call $size)))

  (func $count
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (call $put (i32.const 2336) (i32.const 9))
    (call $put_decimal (global.get $calls))
    (call $put_byte (i32.const 0x7D)))

  (func $refuse_numbers
    (call $failed (i32.const 2272) (i32.const 16) (i32.const 0) (i32.const 0)))

  ;; [1,-2] without blanks; the sum wraps at 64 bits.
  (func $sum
    (local $total i64) (local $numbers i32) (local $negative i32) (local $number i64)
    (block $refused
      (br_if $refused (i32.eqz (call $take (i32.const 0x5B))))
      (block $read
        (br_if $read (call $take (i32.const 0x5D)))
        (loop $more
          (local.set $negative (call $take (i32.const 0x2D)))
          (local.set $number (call $take_digits))
          (br_if $refused (i64.lt_s (local.get $number) (i64.const 0)))
          (local.set $total
            (i64.add (local.get $total)
              (select (i64.sub (i64.const 0) (local.get $number)) (local.get $number)
                (local.get $negative))))
          (local.set $numbers (i32.add (local.get $numbers) (i32.const 1)))
          (br_if $more (call $take (i32.const 0x2C))))
        (br_if $refused (i32.eqz (call $take (i32.const 0x5D)))))
      (br_if $refused (call $size))
      (call $put (i32.const 2352) (i32.const 9))
      (call $put_decimal (i64.extend_i32_u (local.get $numbers)))
      (call $put (i32.const 2368) (i32.const 7))
      (call $put_decimal (local.get $total))
      (call $put_byte (i32.const 0x7D))
      (return))
    (call $refuse_numbers))

  ;; Thousandths of the square root, rounded down.
  (func $root
    (local $number i64)
    (local.set $number (call $take_digits))
    (if (i32.or (i64.lt_s (local.get $number) (i64.const 0)) (call $size))
      (then
        (call $failed (i32.const 2288) (i32.const 15) (i32.const 0) (i32.const 0))
        (return)))
    (call $put (i32.const 2384) (i32.const 8))
    (call $put_decimal
      (i64.trunc_f64_s
        (f64.mul (f64.sqrt (f64.convert_i64_s (local.get $number))) (f64.const 1000))))
    (call $put_byte (i32.const 0x7D)))

  ;; Fills the table of remainders.
  (func $prepare
    (local $byte i32) (local $value i32) (local $bits i32)
    (loop $bytes
      (local.set $value (local.get $byte))
      (local.set $bits (i32.const 8))
      (loop $shift
        (local.set $value
          (i32.xor
            (i32.shr_u (local.get $value) (i32.const 1))
            (i32.mul (i32.and (local.get $value) (i32.const 1)) (i32.const 0xEDB88320))))
        (br_if $shift (local.tee $bits (i32.sub (local.get $bits) (i32.const 1)))))
      (i32.store offset=1024 (i32.shl (local.get $byte) (i32.const 2)) (local.get $value))
      (local.set $byte (i32.add (local.get $byte) (i32.const 1)))
      (br_if $bytes (i32.lt_u (local.get $byte) (i32.const 256)))))
  (start $prepare)

  (func $hash
    (local $crc i32) (local $fnv1a i64) (local $byte i32)
    (local.set $crc (i32.const -1))
    (local.set $fnv1a (i64.const 0xCBF29CE484222325))
    (block $done
      (loop $more
        (br_if $done (i32.eqz (call $size)))
        (local.set $byte (call $peek))
        (local.set $crc
          (i32.xor
            (i32.shr_u (local.get $crc) (i32.const 8))
            (i32.load offset=1024
              (i32.shl
                (i32.and (i32.xor (local.get $crc) (local.get $byte)) (i32.const 255))
                (i32.const 2)))))
        (local.set $fnv1a
          (i64.mul
            (i64.xor (local.get $fnv1a) (i64.extend_i32_u (local.get $byte)))
            (i64.const 0x100000001B3)))
        (call $skip (i32.const 1))
        (br $more)))
    (call $put (i32.const 2416) (i32.const 10))
    (call $put_hex
      (i64.extend_i32_u (i32.xor (local.get $crc) (i32.const -1)))
      (i32.const 8))
    (call $put (i32.const 2432) (i32.const 11))
    (call $put_hex (local.get $fnv1a) (i32.const 16))
    (call $put (i32.const 2464) (i32.const 2)))

  ;; A digit, then the message.
  (func $note
    (local $level i32)
    (local.set $level (call $digit))
    (if (i32.gt_u (local.get $level) (i32.const 9))
      (then
        (call $failed (i32.const 2304) (i32.const 14) (i32.const 0) (i32.const 0))
        (return)))
    (call $skip (i32.const 1))
    (call $log (local.get $level) (global.get $at) (call $size))
    (call $put (i32.const 2400) (i32.const 9))
    (call $put_decimal (i64.extend_i32_u (call $size)))
    (call $put_byte (i32.const 0x7D)))

  ;; NAME REQUEST: what the host answers, which is ours to hand on.
  (func $ask
    (local $name i32) (local $name_end i32) (local $packed i64)
    (local.set $name (global.get $at))
    (block $found
      (loop $more
        (br_if $found (i32.eqz (call $size)))
        (br_if $found (i32.eq (call $peek) (i32.const 0x20)))
        (call $skip (i32.const 1))
        (br $more)))
    (local.set $name_end (global.get $at))
    (drop (call $take (i32.const 0x20)))
    (local.set $packed
      (call $host_call
        (local.get $name) (i32.sub (local.get $name_end) (local.get $name))
        (global.get $at) (call $size)))
    (if (i64.eqz (local.get $packed))
      (then
        (call $failed (i32.const 2240) (i32.const 18) (local.get $name) (local.get $name_end))
        (return)))
    (call $free (global.get $answer))
    (global.set $answer (i32.wrap_i64 (i64.shr_u (local.get $packed) (i64.const 32))))
    (global.set $out (i32.add (global.get $answer) (i32.wrap_i64 (local.get $packed)))))

  (func $deeper (param $depth i32) (result i32)
    (if (result i32) (i32.eq (local.get $depth) (i32.const -1))
      (then (i32.const 0))
      (else
        (i32.add (call $deeper (i32.add (local.get $depth) (i32.const 1))) (i32.const 1)))))

  (func $fail
    (if (call $is (i32.const 2112) (i32.const 11)) (then (unreachable)))
    (if (call $is (i32.const 2128) (i32.const 6))
      (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
    (if (call $is (i32.const 2144) (i32.const 6))
      (then (drop (i32.load (i32.const 0xFFFFFFF0)))))
    (if (call $is (i32.const 2160) (i32.const 7)) (then (drop (call $deeper (i32.const 0)))))
    (if (call $is (i32.const 2176) (i32.const 4)) (then (loop $for_ever (br $for_ever))))
    (call $failed (i32.const 2224) (i32.const 14) (global.get $at) (global.get $end)))

  ;; ---- the contract

  (func $pack (param $at i32) (param $size i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
      (i64.extend_i32_u (local.get $size))))

  (func (export "gk_register") (result i64) (call $pack (i32.const 2560) (i32.const 307)))

  ;; Calls the handler of a name, if there is one.
  (func $dispatch (param $name i32) (param $size i32)
    (local $number i32) (local $entry i32)
    (loop $more
      (local.set $entry
        (i32.add (i32.const 2048) (i32.shl (local.get $number) (i32.const 3))))
      (if (call $same
            (local.get $name) (local.get $size)
            (i32.add (local.get $entry) (i32.const 1)) (i32.load8_u (local.get $entry)))
        (then
          (call_indirect (type $handler) (local.get $number))
          (return)))
      (local.set $number (i32.add (local.get $number) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $number) (i32.const 8))))
    (call $failed
      (i32.const 2192) (i32.const 18)
      (local.get $name) (i32.add (local.get $name) (local.get $size))))

  (func (export "gk_call")
    (param $name i32) (param $name_size i32) (param $args i32) (param $size i32) (result i64)
    (global.set $at (local.get $args))
    (global.set $end (i32.add (local.get $args) (local.get $size)))
    ;; an escape has six characters
    (global.set $answer
      (call $malloc
        (i32.add (i32.const 80)
          (i32.mul (i32.const 6) (i32.add (local.get $name_size) (local.get $size))))))
    (if (i32.eqz (global.get $answer)) (then (unreachable)))
    (global.set $out (global.get $answer))
    (call $dispatch (local.get $name) (local.get $name_size))
    (call $pack
      (global.get $answer) (i32.sub (global.get $out) (global.get $answer)))))
