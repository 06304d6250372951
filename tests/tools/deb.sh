#!/bin/sh
# tests/tools/deb.sh: the Debian packages are made, take libgc1's place and can be used. SPDX-License-Identifier: MIT
#
# Takes minutes: in the long form only.

. "$(dirname "$0")/lib.sh"

debian=$top_srcdir/packaging/debian
version=$(sed -n 's/^AC_INIT(\[reclaim\], \[\(.*\)\])/\1/p' "$top_srcdir/configure.ac")

# The short form: what can be said without making them.
passes "the packages have the version of the tree" \
  grep -q "^reclaim ($version) " "$debian/changelog"
listed() {
  (cd "$top_srcdir" && find packaging -type f ! -name '*.pc' ! -name '*.cmake' \
    ! -name '*.in' ! -name local.mk) | sort >"$scratch/files"
  tr -s ' \t\\' '\n' <"$top_srcdir/packaging/local.mk" | grep '^packaging/' | sort |
    comm -23 "$scratch/files" - >"$scratch/unlisted"
  cat "$scratch/unlisted"
  [ -s "$scratch/files" ] && ! [ -s "$scratch/unlisted" ]
}
passes "the archive has all of packaging" listed

if [ -z "${TAP_LONG-}" ]; then
  skip "the packages are made" "takes minutes, see TAP_LONG"
  finish; exit 0
fi
if ! command -v dpkg-buildpackage >/dev/null || ! command -v dh >/dev/null; then
  skip "the packages are made" "dpkg-dev or debhelper is not installed"
  finish; exit 0
fi

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES TESTS CFLAGS CPPFLAGS
tree=$scratch/reclaim-$version
build_packages() {
  make -s -C "$top_builddir" distdir distdir="$tree" && chmod -R u+w "$tree" &&
    cp -r "$tree/packaging/debian" "$tree/debian" &&
    (cd "$tree" && dpkg-buildpackage -us -uc -b -j2)
}
run build_packages
if [ "$status" -ne 0 ]; then
  tail -n 40 "$scratch/out" >"$scratch/end"
  mv "$scratch/end" "$scratch/out"
  not_ok "the packages are made"
  finish; exit 0
fi
ok "the packages are made"

deb() { echo "$scratch/$1_${version}_"*.deb; }
field() { dpkg-deb -f "$(deb "$1")" "$2"; }
root=$scratch/root
packages='libreclaim1 libreclaim-dev libhcons0 libhcons-dev libhexpr0 libhexpr-dev
  hexpr reclaim-doc'
unpack() {
  for package in $packages; do dpkg -x "$(deb "$package")" "$root" || return 1; done
}
passes "and unpack" unpack
passes "programs compile against them and run" env ROOT="$root" sh "$debian/tests/smoke"

replaces() { # PACKAGE OLD
  field "$1" Provides | grep -q "^$2 (= 1:8\.2\.2)" && field "$1" Conflicts | grep -qw "$2" &&
    field "$1" Replaces | grep -qw "$2"
}
passes "libreclaim1 takes the place of libgc1" replaces libreclaim1 libgc1
passes "libreclaim-dev takes that of libgc-dev" replaces libreclaim-dev libgc-dev

# In a system of their own, where a libgc1 is that has Debian's version and one file.
installs() {
  system=$scratch/system
  mkdir -p "$system/var/lib/dpkg/info" "$system/var/lib/dpkg/updates" \
    "$scratch/old/DEBIAN" "$scratch/old/usr/lib/x86_64-linux-gnu" || return 1
  touch "$system/var/lib/dpkg/status" "$scratch/old/usr/lib/x86_64-linux-gnu/libgc.so.1"
  printf '%s\n' 'Package: libgc1' 'Version: 1:8.2.2-3' 'Architecture: amd64' \
    'Maintainer: a <a@b.invalid>' 'Description: old' >"$scratch/old/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$scratch/old" "$scratch/old.deb" || return 1
  set -- dpkg --root="$system" --log="$scratch/dpkg.log" --force-depends --force-not-root \
    --force-script-chrootless
  "$@" -i "$scratch/old.deb" && "$@" -B -i "$(deb libreclaim1)" && "$@" -l >"$scratch/list" &&
    grep -q '^ii  *libreclaim1' "$scratch/list" && ! grep -q '^ii  *libgc1' "$scratch/list" &&
    [ -L "$system/usr/lib/x86_64-linux-gnu/libgc.so.1" ]
}
passes "dpkg puts libreclaim1 where libgc1 was" installs

# Every file of Debian's packages, documentation and what is not part of this library
# apart, is at the same place.
same_places() {
  dpkg -L libgc1 libgc-dev | sed 's/\.so\.1\..*/.so.1/' |
    grep -vE '/(cord|cord_pos|ec)\.h$|/share/|:$' | sort -u |
    while IFS= read -r file; do
      [ -e "$root$file" ] || [ -L "$root$file" ] || echo "$file"
    done >"$scratch/absent"
  grep -vxFf "$scratch/later" "$scratch/absent" >"$scratch/unknown"
  cat "$scratch/unknown"
  ! [ -s "$scratch/unknown" ]
}
# Headers that the tree does not have yet.
for header in gc_backptr.h gc_cpp.h; do
  [ -e "$top_srcdir/include/gc/$header" ] || echo "/usr/include/gc/$header"
  [ -e "$top_srcdir/include/$header" ] || echo "/usr/include/$header"
done >"$scratch/later"
if dpkg -s libgc1 libgc-dev >/dev/null 2>&1; then
  passes "what Debian's packages hold is at the same place" same_places
else
  skip "what Debian's packages hold is at the same place" "they are not installed"
fi

dpkg-deb --fsys-tarfile "$(deb libreclaim1)" >"$scratch/fs.tar"
# depends NAME: what a program that uses that name is told to depend on
depends() {
  mkdir -p "$scratch/client/debian" && cd "$scratch/client" || return 2
  printf 'Source: client\nMaintainer: a <a@b.invalid>\n\nPackage: client\nArchitecture: any\n' \
    >debian/control
  printf 'void *%s(unsigned long, void *);\nint main(void) { return !%s(8, 0); }\n' \
    "$1" "$1" >c.c
  ${CC} c.c -o client -L"$(dirname "$root"/usr/lib/*/libgc.so.1)" -lgc &&
    dpkg-deb -e "$(deb libreclaim1)" "$scratch/client/control" &&
    mkdir -p debian/libreclaim1/DEBIAN && cp control/* debian/libreclaim1/DEBIAN &&
    cp -r "$root/usr" debian/libreclaim1 &&
    dpkg-shlibdeps -O -Sdebian/libreclaim1 client
}
depends_on_any() { depends GC_malloc | grep -q 'libgc1 (>= 1:8\.2\.2)'; }
depends_on_ours() { depends gcx_drain | grep -q 'libreclaim1 (>= 0\.2\.0)'; }
passes "a program of libgc's names depends on libgc1" depends_on_any
passes "one of our names depends on libreclaim1" depends_on_ours

if command -v lintian >/dev/null; then
  passes "lintian has no objection" lintian --fail-on error,warning --tag-display-limit 0 \
    --suppress-tags bad-distribution-in-changes-file "$scratch"/*.changes
else
  skip "lintian has no objection" "lintian is not installed"
fi

finish
