;; Does what the first byte of its input says.
(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (import "seal1" "terminate" (func $terminate (param i32)))
  (import "env" "memory" (memory 1 16))

  ;; 0x00: how long the input is, and may be. 0x10: the key of the switch. 0x14: another key. 0x20: the switch, 0x24: its length.
  (data (i32.const 0x00) "\00\04\00\00")
  (data (i32.const 0x24) "\01\00\00\00")

  (func $read (drop (call $get (i32.const 0x10) (i32.const 4) (i32.const 0x20) (i32.const 0x24))))
  (func $write (drop (call $set (i32.const 0x10) (i32.const 4) (i32.const 0x20) (i32.const 1))))

  (func (export "deploy") (call $write))

  (func (export "call") (local $left i32)
    (call $input (i32.const 0x100) (i32.const 0))
    (block $forever (block $fill (block $terminate (block $trap (block $revert (block $get (block $flip
      (br_table $flip $get $revert $trap $terminate $fill $forever (i32.load8_u (i32.const 0x100))))
      ;; flip
      (call $read)
      (i32.store8 (i32.const 0x20) (i32.xor (i32.load8_u (i32.const 0x20)) (i32.const 1)))
      (call $write)
      (call $event (i32.const 0) (i32.const 0) (i32.const 0x20) (i32.const 1))
      (return))
    ;; get
    (call $read)
    (call $return (i32.const 0) (i32.const 0x20) (i32.const 1)))
    ;; revert, with the first two bytes of the input
    (call $write)
    (call $event (i32.const 0) (i32.const 0) (i32.const 0x20) (i32.const 1))
    (call $return (i32.const 1) (i32.const 0x100) (i32.const 2)))
    ;; trap
    (unreachable))
    ;; terminate, in favour of the account that follows
    (call $terminate (i32.const 0x101)))
    ;; fill: as many values of 100 bytes as the second byte says, or remove them if the third is not zero
    (local.set $left (i32.load8_u (i32.const 0x101)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (i32.store (i32.const 0x14) (local.get $left))
        (if (i32.load8_u (i32.const 0x102))
          (then (drop (call $clear (i32.const 0x14) (i32.const 4))))
          (else (drop (call $set (i32.const 0x14) (i32.const 4) (i32.const 0x400) (i32.const 100)))))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (return))
    ;; for ever
    (loop $again (br $again))))
