(* bench/hcons/weak.ml: trees and churn in OCaml's weak sets. SPDX-License-Identifier: MIT *)
(* usage: weak hot|miss|cold|churn. The same requests as tree.h and churn.h make, up to
   the random numbers. *)

type node = { hash : int; id : int; shape : shape }
and shape = Leaf of int | Two of int * node * node

module Key = struct
  type t = node
  let equal x y =
    match x.shape, y.shape with
    | Leaf a, Leaf b -> a = b
    | Two (o, a, b), Two (p, c, d) -> o = p && a == c && b == d
    | _ -> false
  let hash x = x.hash
end

module Set = Weak.Make (Key)

let set = Set.create 1024
let last = ref 0

let mix a b c =
  let h = (a * 0x2545F4914F6CDD1D) lxor (b * 0x1E3779B97F4A7C15) + c in
  (h lxor (h lsr 29)) * 0x1FB21C651E98DF25 lsr 2

let intern hash shape =
  let fresh = { hash; id = !last + 1; shape } in
  let n = Set.merge set fresh in
  if n == fresh then incr last;
  n

let leaf v = intern (mix v 0 1) (Leaf v)
let two op a b = intern (mix a.id b.id op) (Two (op, a, b))

let rec tree depth first step =
  if depth = 0 then leaf first
  else
    let left = tree (depth - 1) first step in
    two 1 left (tree (depth - 1) (first + (step lsl (depth - 1))) step)

let report name ops began =
  let spent = Sys.time () -. began in
  Printf.printf "%s cpu_s=%.6f ops=%.0f ns_op=%.2f\n" name spent ops
    (spent *. 1e9 /. ops)

let tree_ops = float_of_int ((2 lsl 20) - 1)

let churn ops roots =
  let levels = 4 in
  let slots = roots / levels in
  let root = Array.make roots (leaf 0) in
  let sample =
    Array.init 65536 (fun _ ->
        let rank = exp (Random.float 1.0 *. log (float_of_int slots)) in
        int_of_float rank * 40503 mod slots) in
  let fresh_leaf = ref 0 in
  let pick level = root.((sample.(Random.bits () land 65535) * levels) + level) in
  let fresh level =
    if level = 0 then (incr fresh_leaf; leaf !fresh_leaf)
    else
      let a = pick (level - 1) in
      two (Random.bits () land 255) a (pick 0) in
  for level = 0 to levels - 1 do
    for i = 0 to slots - 1 do root.((i * levels) + level) <- fresh level done
  done;
  let began = Sys.time () in
  for _ = 1 to ops do
    let dice = Random.bits () in
    let level = dice land 3 in
    if dice land 64 <> 0 then begin
      let n = pick level in
      let again =
        match n.shape with Leaf v -> leaf v | Two (o, a, b) -> two o a b in
      if again != n then failwith "a root that is alive was not found"
    end else begin
      let n = fresh level in
      if dice lsr 8 mod 10 = 0 then root.((Random.int slots * levels) + level) <- n
    end
  done;
  report "churn" (float_of_int ops) began;
  ignore (Sys.opaque_identity root)

let () =
  let timed name rounds first step =
    let began = Sys.time () in
    let kept = ref [] in
    for _ = 1 to rounds do kept := [ tree 20 first step ] done;
    report name (tree_ops *. float_of_int rounds) began;
    ignore (Sys.opaque_identity !kept) in
  match Sys.argv.(1) with
  | "hot" -> timed "hot" 2 7 0
  | "miss" -> timed "miss" 1 0 1
  | "cold" ->
    let first = tree 20 0 1 in
    timed "cold" 1 0 1;
    ignore (Sys.opaque_identity first)
  | "churn" -> churn 1000000 262144
  | name -> failwith ("no workload " ^ name)
