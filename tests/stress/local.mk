# tests/stress/local.mk: long random runs with several threads. SPDX-License-Identifier: MIT
#
# TAP_LONG=1 makes them ten times as long.  make check-stress runs those, and all
# others that work under load, in their long forms and with the progress shown; it
# takes half an hour.  STRESS_SEED=N and STRESS_ONLY=PATTERN are handed on.

stress_programs = tests/stress/random tests/stress/notify
check_PROGRAMS += $(stress_programs)
TESTS += $(stress_programs) tests/stress/torture.sh
EXTRA_DIST += tests/stress/run.sh tests/stress/torture.sh

tests_stress_random_SOURCES = tests/stress/random.c tests/stress/model.c \
	tests/stress/model.h
tests_stress_random_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_stress_notify_SOURCES = tests/stress/notify.c
tests_stress_notify_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la

stress_long = $(stress_programs) tests/gcx/promises tests/gcx/race \
	tests/gcx/faults tests/gcx/memory tests/gcx/order tests/gcx/pressure \
	tests/gcx/step tests/gcx/stopped tests/gcx/unload \
	tests/gcx/weak_threads tests/api/dlrace tests/api/trap_step \
	tests/api/trap_storm tests/extra/hcons_stress tests/extra/hcons_threads

PHONY_GOALS += check-stress
FULL_GOALS += check-stress

check-stress: libgc.la $(check_PROGRAMS)
	STRESS_SEED='$(STRESS_SEED)' STRESS_ONLY='$(STRESS_ONLY)' \
	top_builddir='$(abs_top_builddir)' \
	  $(SHELL) $(top_srcdir)/tests/stress/run.sh $(stress_long) \
	  $(top_srcdir)/tests/stress/torture.sh
