#!/bin/sh
# tests/tools/dropin.sh: tests/dropin/run notices what goes wrong. SPDX-License-Identifier: MIT
#
# A program of our own takes the place of one of Debian's; it does what the variable
# FAKE says.

. "$(dirname "$0")/lib.sh"

library=$top_builddir/.libs
[ -e "$library/libgc.so.1" ] || skip_all "no shared library in this build"
case ${CFLAGS-} in *-fsanitize=*) skip_all "this build is sanitised" ;; esac
command -v bash >/dev/null || skip_all "no bash"

bin=$scratch/bin
mkdir "$bin"
cat >"$scratch/fake.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <gc/gc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  const char *fake = getenv("FAKE");
  Dl_info info;
  GC_INIT();
  if (strcmp(fake, "idle") != 0)
    for (int i = 0; i < 9; i++) GC_gcollect();
  int ours = dladdr((void *)GC_gcollect, &info) && strstr(info.dli_fname, "/ours-");
  if (strcmp(fake, "differs") == 0) puts(ours ? "this" : "that");
  if (strcmp(fake, "crash") == 0 && ours) abort();
  if (strcmp(fake, "crash-there") == 0 && !ours) abort();
  puts(strcmp(fake, "early") == 0 ? "begin" : "end");
  return 0;
}
C
# shellcheck disable=SC2086 # CC and CFLAGS are lists of words.
${CC} ${CFLAGS-} -std=gnu11 -I"$top_srcdir/include" -o "$bin/poke" "$scratch/fake.c" \
  -L"$library" -lgc || { echo "Bail out! cannot compile"; exit 1; }

# drop FAKE OPTION...: runs the program
drop() {
  fake=$1; shift
  run env FAKE="$fake" PATH="$bin:$PATH" "$PYTHON" "$top_srcdir/tests/dropin/run" \
    --no-install --only '^poke$' "$@" "$library"
}
# says NAME STATUS LINE...: so it ended, and it has printed lines that begin so
says() {
  name=$1 wanted=$2; shift 2
  for line in "$@"; do
    grep -qF -- "$line" "$scratch/out" || { echo "# no line: $line"; status=none; }
  done
  if [ "$status" = "$wanted" ]; then ok "$name"; else not_ok "$name"; fi
}

# The library is its own yardstick here, under a copy's name.
mkdir "$scratch/base"
cp "$library/libgc.so.1" "$scratch/base/libgc.so.1"
base=--base=$scratch/base

drop idle "$base"
says "a program that does not collect fails" 1 'not ok 3 - poke collected'
drop differs "$base"
says "so does other output" 1 'not ok 2 - poke prints the same' '# -that' '# +this'
drop crash "$base"
says "and a crash" 1 'not ok 1 - poke runs' '# status '
drop crash-there "$base"
says "a crash on the system's library is no failure of ours" 0 'ok 1 - poke runs' \
  "ok 2 - poke prints the same # SKIP the system's library fails"
drop early "$base"
says "a program that did not come to its end fails" 1 "the last line is not 'end'"

mv "$bin/poke" "$bin/poke.linked"
printf '#!/bin/sh\necho end\n' >"$bin/poke"
chmod +x "$bin/poke"
drop any "$base"
says "so does one that loads no libgc" 1 'it loaded no libgc'
cat >"$bin/poke" <<SH
#!/bin/sh
LD_LIBRARY_PATH=$scratch/base exec "\${0%/*}/poke.linked"
SH
drop any "$base"
says "or another one than it should" 1 "it loaded ['$scratch/base/libgc.so.1']"
rm "$bin/poke" "$bin/poke.linked"

python=$("$PYTHON" -c 'import sys; print(sys.executable)')
for tool in bash sh ldd; do ln -s "$(command -v $tool)" "$bin/$tool"; done
run env PATH="$bin" "$python" "$top_srcdir/tests/dropin/run" --no-install \
  --only '^poke$' "$library"
says "a program that is not installed is skipped, not passed" 77 \
  'ok 1 - poke # SKIP poke is not installed (Debian: poke)'
run "$PYTHON" "$top_srcdir/tests/dropin/run" --only '^nothing$' "$library"
says "a name that no program has is an error" 2 'no program matches'
run "$PYTHON" "$top_srcdir/tests/dropin/run" "$scratch"
says "and so is a folder without a library" 2 'no libgc.so.1 in'

finish
