# tests/stress/local.mk: long random runs with several threads. SPDX-License-Identifier: MIT
#
# TAP_LONG=1 makes them ten times as long.

stress_programs = tests/stress/random tests/stress/notify
check_PROGRAMS += $(stress_programs)
TESTS += $(stress_programs) tests/stress/torture.sh
EXTRA_DIST += tests/stress/torture.sh

tests_stress_random_SOURCES = tests/stress/random.c tests/stress/model.c \
	tests/stress/model.h
tests_stress_random_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_stress_notify_SOURCES = tests/stress/notify.c
tests_stress_notify_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
