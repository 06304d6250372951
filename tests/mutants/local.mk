# tests/mutants/local.mk: do the tests notice bugs? SPDX-License-Identifier: MIT
#
# Takes minutes and is no part of make check. MUTANTS= chooses some by name.

PHONY_GOALS += check-mutants
EXTRA_DIST += tests/mutants/run tests/mutants/alloc.list tests/mutants/cycle.list \
	tests/mutants/debug.list tests/mutants/differ.list tests/mutants/edges.list \
	tests/mutants/final.list \
	tests/mutants/gcx.list \
	tests/mutants/hcons.list \
	tests/mutants/heap.list tests/mutants/hexpr.list \
	tests/mutants/hexpr_cmd.list tests/mutants/mark.list \
	tests/mutants/notify.list \
	tests/mutants/reclaim.list tests/mutants/weak.list tests/mutants/world.list

check-mutants:
	CC='$(CC)' $(PYTHON) $(top_srcdir)/tests/mutants/run $(MUTANTS)
