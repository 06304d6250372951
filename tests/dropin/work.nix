# tests/dropin/work.nix: lists, sets and text of the Nix language. SPDX-License-Identifier: MIT
let
  range = low: high: builtins.genList (i: low + i) (high - low + 1);
  sum = builtins.foldl' (a: b: a + b) 0;
  grow = low: high:
    if low > high then null
    else let middle = (low + high) / 2; in {
      left = grow low (middle - 1);
      right = grow (middle + 1) high;
      key = middle;
    };
  total = t: if t == null then 0 else t.key + total t.left + total t.right;
  lasting = grow 1 20000;
  set = builtins.listToAttrs
    (map (i: { name = "k${toString i}"; value = [ i (i * i) ]; }) (range 1 30000));
  text = builtins.concatStringsSep "," (map toString (range 1 30000));
in {
  trees = sum (map (i: total (grow 1 (50 * i))) (range 1 80));
  attributes = builtins.length (builtins.attrNames set);
  value = builtins.elemAt set.k12321 1;
  text = builtins.stringLength text;
  pieces = builtins.length (builtins.split "," text);
  digest = builtins.hashString "sha256" text;
  sorted = builtins.elemAt (builtins.sort builtins.lessThan
    (map (i: i * 7919 - (i * 7919 / 50021) * 50021) (range 1 50000))) 25000;
  json = builtins.stringLength (builtins.toJSON set);
  read = builtins.length (builtins.fromJSON (builtins.toJSON (range 1 20000)));
  lasting = total lasting;
  verdict = "end";
}
