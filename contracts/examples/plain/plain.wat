;; A counter written by hand: what a contract is when no language stands between it and the chain.
;;
;; It follows ink!'s convention for calls, so that a client can be told of it as of any other contract: input is a selector
;; of four bytes and the arguments, output begins with 00, and 01 01 with the flag REVERT says that the input was not
;; understood. Constructors are not told apart, and value that is sent along is kept.
;;
;;   inc  1d32619f   adds one
;;   get  2f865bd9   returns the count, four bytes
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "input" (func $input (param $to i32) (param $length_at i32)))
  (import "seal0" "seal_return" (func $return (param $flags i32) (param $from i32) (param $length i32)))
  (import "seal1" "get_storage"
    (func $get_storage (param $key i32) (param $key_length i32) (param $to i32) (param $length_at i32) (result i32)))
  (import "seal2" "set_storage"
    (func $set_storage (param $key i32) (param $key_length i32) (param $from i32) (param $length i32) (result i32)))

  ;; Memory: 0 the length of what is read · 4 input · 32 the key, four zeroes as ink!'s root has
  ;;         48 a byte 00, which output begins with · 49 the count · 56 the answer to what is not understood
  (data (i32.const 56) "\01\01")

  (func $count (result i32)
    (i32.store (i32.const 0) (i32.const 4))
    ;; Without a stored count, memory is as it was: zero.
    (drop (call $get_storage (i32.const 32) (i32.const 4) (i32.const 49) (i32.const 0)))
    (i32.load (i32.const 49)))

  (func $store
    (drop (call $set_storage (i32.const 32) (i32.const 4) (i32.const 49) (i32.const 4))))

  (func (export "deploy")
    (call $store)
    (call $return (i32.const 0) (i32.const 48) (i32.const 2)))

  (func (export "call")
    ;; Twenty-four bytes are room enough; longer input traps, for it cannot be for this contract.
    (i32.store (i32.const 0) (i32.const 24))
    (call $input (i32.const 4) (i32.const 0))
    (if (i32.ge_u (i32.load (i32.const 0)) (i32.const 4))
      (then
        (if (i32.eq (i32.load (i32.const 4)) (i32.const 0x9f61321d))
          (then
            ;; Wraps around after 2^32 - 1.
            (i32.store (i32.const 49) (i32.add (call $count) (i32.const 1)))
            (call $store)
            (call $return (i32.const 0) (i32.const 48) (i32.const 1))))
        (if (i32.eq (i32.load (i32.const 4)) (i32.const 0xd95b862f))
          (then
            (drop (call $count))
            (call $return (i32.const 0) (i32.const 48) (i32.const 5))))))
    (call $return (i32.const 1) (i32.const 56) (i32.const 2))))
