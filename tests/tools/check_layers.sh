#!/bin/sh
# tests/tools/check_layers.sh: the layer check, and the layers. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

layers() { "$PYTHON" "$top_srcdir/tools/check-layers" "${1:-$scratch/tree}"; }

# A small tree in good order, in which each test plants one fault.
plant() {
  rm -rf "$scratch/tree"
  for folder in base plat heap world mark reclaim compat; do
    mkdir -p "$scratch/tree/src/$folder"
    echo '#include <stddef.h>' >"$scratch/tree/src/$folder/$folder.h"
  done
  cp "$top_srcdir/src/LAYERS" "$scratch/tree/src/LAYERS"
  printf '#include "heap/heap.h"\n#include "base/base.h"\n' \
    >"$scratch/tree/src/heap/heap.c"
}
# fault NAME FILE TEXT LINE...: with these lines the check objects with TEXT
fault() {
  name=$1 file=$2 text=$3; shift 3
  plant
  printf '%s\n' "$@" >"$scratch/tree/src/$file"
  refuses "$name" "$text" layers
}

passes "the tree keeps its layers" layers "$top_srcdir"
plant
passes "a tree in order passes" layers

fault "an include upwards is found" plat/a.c \
  'src/plat/a.c:1: layer plat is below heap' '#include "heap/heap.h"'
fault "an include of a sibling is found" heap/a.c 'heap and world are siblings' \
  '#include "world/world.h"'
fault "an exception is kept" reclaim/a.c 'reclaim leaves mark alone' \
  '#include "mark/mark.h"'
fault "a system header above plat is found" mark/a.c \
  'mark does not include <pthread.h>' '#include <pthread.h>'
fault "a public header below compat is found" mark/a.c \
  'mark does not include <gc/gc.h>' '#include <gc/gc.h>'
fault "a path without layer is found" heap/a.c 'is not a path from src/' \
  '#include "base.h"'
fault "a header that does not exist is found" heap/a.c 'does not exist' \
  '#include "base/nothing.h"'
fault "the own header comes first" heap/heap.c 'own header comes first' \
  '#include "base/base.h"' '#include "heap/heap.h"'
mkdir -p "$scratch/tree/src/attic"
fault "an unknown folder is found" heap/b.c 'is not a path' '#include "attic/x.h"'
plant
mkdir -p "$scratch/tree/src/attic"
echo 'int x;' >"$scratch/tree/src/attic/x.c"
refuses "a folder in no level is found" 'folder attic is in no level' layers

plant
printf '#include <sys/mman.h>\n' >"$scratch/tree/src/plat/a.c"
printf '#include <pthread.h>\n#include "heap/heap.h"\n' \
  >"$scratch/tree/src/compat/a.c"
passes "plat and compat may use the system" layers
plant
printf '/* #include "mark/mark.h" */\nint x;\n' >"$scratch/tree/src/heap/a.c"
passes "an include in a comment is none" layers

finish
