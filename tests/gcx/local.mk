# tests/gcx/local.mk: reclaim notification through gcx/reclaim.h. SPDX-License-Identifier: MIT
#
# Only Reclaim has that interface, so check-bdw leaves these out.

gcx_retire_programs = tests/gcx/retire
check_PROGRAMS += $(gcx_retire_programs)
TESTS += $(gcx_retire_programs)

tests_gcx_retire_SOURCES = tests/gcx/retire.c
tests_gcx_retire_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
