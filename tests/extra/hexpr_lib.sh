# tests/extra/hexpr_lib.sh: what the tests of the command hexpr share. SPDX-License-Identifier: MIT
#
# Sourced.  Speaks TAP.  HEXPR names the command, else it is the one of this build tree.
# $dir is a scratch folder, $input what the command reads, $status how it ended.

top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
hexpr=${HEXPR:-$top_builddir/hexpr}
dir=$(mktemp -d "${TMPDIR:-/tmp}/hexpr.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
count=0
failed=0
input=/dev/null

verdict() { # STATUS NAME
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $count - $2"
  else
    failed=$((failed + 1))
    echo "not ok $count - $2"
    sed 's/^/# out: /' "$dir/out"
    sed 's/^/# err: /' "$dir/err"
    echo "# status: $status"
  fi
}

run() {
  timeout 60 "$hexpr" "$@" >"$dir/out" 2>"$dir/err" <"$input"
  status=$?
}

out_is() { # STATUS TEXT
  [ "$status" -eq "$1" ] && [ "$(cat "$dir/out")" = "$2" ]
}

has_out() { grep -q -- "$1" "$dir/out"; }
has_err() { grep -q -- "$1" "$dir/err"; }
err_lines() { [ "$(wc -l <"$dir/err")" -eq "$1" ]; }

# gives NAME OUT ARGUMENTS...: status 0, this output and no message
gives() {
  name=$1
  want=$2
  shift 2
  run "$@"
  out_is 0 "$want" && [ ! -s "$dir/err" ]
  verdict $? "$name"
}

# fails NAME STATUS PATTERN ARGUMENTS...: a message, and nothing else
fails() {
  name=$1
  want=$2
  pattern=$3
  shift 3
  run "$@"
  [ $status -eq "$want" ] && has_err "$pattern" && [ ! -s "$dir/out" ]
  verdict $? "$name"
}

finish() {
  printf '1..%s\n' "$count"
  [ "$failed" -eq 0 ]
}
