#!/bin/sh
# tests/tools/quickstart.sh: the set-up asks for what is missing. SPDX-License-Identifier: MIT
#
# quickstart runs in a tree of its own with a PATH that holds only what the
# case wants it to find; id, apt-get and autoreconf are stand-ins that record
# how they were called.

. "$(dirname "$0")/lib.sh"

tree=$scratch/tree
bin=$scratch/bin
real_path=$PATH

quick() { (cd "$tree" && env PATH="$bin" CC=cc sh ./quickstart "$@"); }
link() { ln -sf "$(PATH=$real_path command -v "$1")" "$bin/$1"; }
# fake NAME: standard input is the script
fake() { { echo '#!/bin/sh'; cat; } >"$bin/$1"; chmod +x "$bin/$1"; }
recorded() { grep -qxF -- "$1" "$scratch/calls" 2>/dev/null; }
verdict() { if [ "$1" -eq 0 ]; then ok "$2"; else not_ok "$2"; fi; }

mkdir -p "$tree/.git" "$bin"
cp "$top_srcdir/quickstart" "$tree/quickstart"
for tool in sh env dirname getconf tr sed mkdir cat tail touch chmod; do
  link "$tool"
done
for tool in cc make python3 automake libtoolize pkg-config; do
  fake "$tool" </dev/null
done
echo "echo \"apt-get \$*\" >>'$scratch/calls'
case \$1 in install) : >'$bin/autoconf'; chmod +x '$bin/autoconf' ;; esac" |
  fake apt-get
echo "echo autoreconf >>'$scratch/calls'
printf '#!/bin/sh\\necho configured >>$scratch/calls\\ntouch Makefile\\n' >configure
chmod +x configure; touch Makefile.in" | fake autoreconf

echo 'echo 1000' | fake id
install='apt-get install -y --no-install-recommends autoconf'
refuses "without root it prints the command" "sudo $install" quick setup
! recorded "$install"
verdict $? "and installs nothing"

echo 'echo 0' | fake id
passes "with root it sets up" quick setup
recorded "$install"
verdict $? "and installs exactly what is missing"
recorded autoreconf && recorded configured
verdict $? "generates and runs configure"

rm "$scratch/calls"
passes "a second run succeeds" quick setup
[ ! -e "$scratch/calls" ]
verdict $? "and does nothing twice"

rm "$bin/apt-get" "$bin/autoconf"
refuses "without apt-get it names the packages" \
  'please install, by their Debian names: autoconf' quick setup
rm -r "$tree/.git"
passes "an archive with configure needs no autoconf" quick setup

: >"$tree/config.status"
refuses "a tree that is configured itself is refused" 'make distclean' quick setup
run quick dance
if [ "$status" -eq 2 ] && grep -q 'unknown goal dance' "$scratch/out"; then
  ok "an unknown goal is refused"
else not_ok "an unknown goal is refused"; fi

finish
