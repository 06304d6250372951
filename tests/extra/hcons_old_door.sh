#!/bin/sh
# tests/extra/hcons_old_door.sh: hcons by the disclaim interface of this collector. SPDX-License-Identifier: MIT
#
# Speaks TAP.

programs=${top_builddir:-.}/tests/extra
count=0
failed=0
HCONS_BACKEND=disclaim
export HCONS_BACKEND

for name in hcons hcons_class_free hcons_classes hcons_memo hcons_threads \
  hcons_walks; do
  count=$((count + 1))
  if got=$(timeout 300 "$programs/$name" 2>&1); then
    echo "ok $count - $name"
  else
    failed=$((failed + 1))
    echo "not ok $count - $name"
    echo "$got" | sed 's/^/# /'
  fi
done

echo "1..$count"
[ "$failed" -eq 0 ]
