# tests/lib/local.mk: libraries shared by the test programs. SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += tests/lib/libtap.la tests/lib/libgcutil.la
tests_lib_libtap_la_SOURCES = tests/lib/tap.c tests/lib/tap.h
tests_lib_libgcutil_la_SOURCES = tests/lib/edges.h tests/lib/gcutil.c \
	tests/lib/gcutil.h
