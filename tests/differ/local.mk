# tests/differ/local.mk: random calls, against a model and against libgc. SPDX-License-Identifier: MIT
#
# The program asks its model on the library it is linked with; compare.py runs it
# on the system's libgc as well, where there is one, and compares what is seen.
# When it fails:  tests/differ/compare.py --reduce --seed N  in the build folder.

differ_sources = tests/differ/differ.c tests/differ/collect.c \
	tests/differ/dying.c tests/differ/families.c tests/differ/families.h \
	tests/differ/guests.c \
	tests/differ/links.c tests/differ/objects.c tests/differ/queries.c \
	tests/differ/reports.c tests/differ/run.c tests/differ/segment.c tests/differ/whole.c \
	tests/differ/world.h

check_PROGRAMS += tests/differ/differ
TESTS += tests/differ/differ tests/differ/compare.py
EXTRA_DIST += tests/differ/compare.py

tests_differ_differ_SOURCES = $(differ_sources)
tests_differ_differ_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
