#!/bin/sh
# tests/extra/gcmalloc.sh: programs run with the collector in the place of malloc. SPDX-License-Identifier: MIT
#
# Both a program of our own, which asks whether its memory is the collector's, and what
# every machine has.

. "$(dirname "$0")/../tools/lib.sh"

library=$(cd "$top_builddir" && pwd)/.libs
[ -e "$library/libgcmalloc.so" ] || skip_all "no shared library in this build"
case ${CFLAGS-} in *-fsanitize=*) skip_all "this build is sanitised" ;; esac

# with COMMAND...: in a shell of its own, so that a crash is a status
with() {
  env LD_LIBRARY_PATH="$library" LD_PRELOAD="$library/libgcmalloc.so" timeout 120 "$@"
}
collecting() { with env GCX_MALLOC=collect "$@"; }
# said COMMAND...: what it prints, with its status behind
said() { "$@" 2>&1; echo "status $?"; }

# shellcheck disable=SC2086 # CC is a list of words.
run ${CC} -std=gnu11 -D_GNU_SOURCE -O1 -pthread -fno-builtin -o "$scratch/prog" \
  "$top_srcdir/tests/extra/gcmalloc_prog.c" -ldl
[ "$status" -eq 0 ] || { not_ok "the program compiles"; finish; exit 0; }

if "$scratch/prog" calls >/dev/null 2>&1; then not_ok "without the library it is malloc's memory"
else ok "without the library it is malloc's memory"; fi
for part in calls alignment threads forks libraries; do
  passes "$part" with "$scratch/prog" "$part"
  passes "$part, collecting" collecting "$scratch/prog" "$part"
done

# ---- Leaks ----

with env GC_FIND_LEAK=1 "$scratch/prog" leaks >"$scratch/out" 2>&1
# A word on the stack may look like the address of one of the ten.
lost=$(grep -c 'object at .*, 7[0-9]* bytes' "$scratch/out")
if [ "$lost" -ge 7 ] && [ "$lost" -le 10 ] &&
  ! grep -q 'object at .*, 9[0-9]* bytes' "$scratch/out"; then
  ok "what was lost is reported at the end, and nothing else of its size"
else not_ok "what was lost is reported at the end, and nothing else of its size"; fi

megabytes() { collecting "$scratch/prog" loses | sed 's/ MB//'; }
lost=$(megabytes)
echo "# $lost MB are used when 300 MB were lost"
if [ "${lost:-1000}" -lt 150 ]; then ok "what is lost is collected when asked for"
else not_ok "what is lost is collected when asked for"; fi

# ---- Programs of the system ----

# same NAME COMMAND...: it prints the same with and without
same() {
  name=$1; shift
  said timeout 120 "$@" >"$scratch/plain"
  said with "$@" >"$scratch/with"
  run diff "$scratch/plain" "$scratch/with"
  if [ "$status" -eq 0 ] && grep -q '^status 0' "$scratch/plain"; then ok "$name"
  else not_ok "$name"; fi
}
same "ls" ls -lR "$top_srcdir/src"
seq 1 50000 | sed 's/\(.\)\(.*\)/\2 \1/' >"$scratch/lines"
same "sort, with threads" sort --parallel=4 -S 1M "$scratch/lines"
same "a pipe in the shell" sh -c 'find /usr/bin | sort -r | awk "{ n += length } END { print n }"'
same "python3" "$PYTHON" -c 'import json, re, threading
out = []
def work(n): out.append(len(json.dumps([list(range(300))] * n)))
all = [threading.Thread(target=work, args=(n,)) for n in range(50)]
[t.start() for t in all]; [t.join() for t in all]
print(sorted(out)[-1], len(re.findall("a+", "ab" * 10000)))'
compiles() {
  # shellcheck disable=SC2086 # CC is a list of words.
  with ${CC} -std=gnu11 -D_GNU_SOURCE -O2 -pthread -o "$scratch/again" \
    "$top_srcdir/tests/extra/gcmalloc_prog.c" -ldl &&
    with "$scratch/again" threads
}
passes "the compiler and the linker, and what they make" compiles

finish
