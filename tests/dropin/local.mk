# tests/dropin/local.mk: Debian's programs on this library. SPDX-License-Identifier: MIT
#
#   make check-dropin        what is not installed is installed, when run as root
#
# No part of make check. DROPINFLAGS passes options: make check-dropin
# DROPINFLAGS='--full --only crystal', or DROPINFLAGS='--repeat 20'.

DROPINFLAGS =
PHONY_GOALS += check-dropin

check-dropin: libgc.la
	$(PYTHON) $(top_srcdir)/tests/dropin/run $(DROPINFLAGS) $(abs_top_builddir)/.libs

EXTRA_DIST += tests/dropin/run tests/dropin/ecl_compile.lisp \
	tests/dropin/ecl_data.lisp tests/dropin/ecl_threads.lisp \
	tests/dropin/figure.asy tests/dropin/guile_compile.scm \
	tests/dropin/guile_data.scm tests/dropin/guile_threads.scm \
	tests/dropin/guile_weak.scm tests/dropin/page.py \
	tests/dropin/programs.py tests/dropin/sides.py tests/dropin/work.cr \
	tests/dropin/work.neko tests/dropin/work.nim tests/dropin/work.nix \
	tests/dropin/work.pk
