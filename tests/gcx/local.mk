# tests/gcx/local.mk: reclaim notification through gcx/reclaim.h. SPDX-License-Identifier: MIT
#
# Only Reclaim has all of that interface. What the adapter in bdwgc-patch gives is
# tested on it by check-bdw, with the programs that gcx_everywhere names.

gcx_ldadd = tests/gcx/libshadow.la tests/lib/libgcutil.la tests/lib/libtap.la \
	libgc.la

check_LTLIBRARIES += tests/gcx/libshadow.la
tests_gcx_libshadow_la_SOURCES = tests/gcx/facts.c tests/gcx/facts.h \
	tests/gcx/mistakes.c tests/gcx/mistakes.h \
	tests/gcx/shadow.c tests/gcx/shadow.h tests/gcx/steps.c tests/gcx/steps.h

gcx_everywhere = tests/gcx/caps tests/gcx/faults tests/gcx/kinds \
	tests/gcx/life tests/gcx/memory tests/gcx/no_memory tests/gcx/order \
	tests/gcx/pressure tests/gcx/promises tests/gcx/race tests/gcx/waiting \
	tests/gcx/weak_map_keys tests/gcx/weak_map_one

gcx_programs = tests/gcx/caps tests/gcx/debug tests/gcx/debug_clean \
	tests/gcx/debug_refs tests/gcx/door tests/gcx/faults tests/gcx/kinds \
	tests/gcx/life tests/gcx/many tests/gcx/memory tests/gcx/no_memory \
	tests/gcx/order tests/gcx/pressure tests/gcx/promises tests/gcx/race \
	tests/gcx/retire tests/gcx/step tests/gcx/stopped tests/gcx/unload \
	tests/gcx/waiting
check_PROGRAMS += $(gcx_programs)
TESTS += $(gcx_programs)

tests_gcx_caps_SOURCES = tests/gcx/caps.c
tests_gcx_caps_LDADD = $(gcx_ldadd)
tests_gcx_debug_SOURCES = tests/gcx/debug.c
tests_gcx_debug_LDADD = $(gcx_ldadd)
tests_gcx_debug_refs_SOURCES = tests/gcx/debug_refs.c
tests_gcx_debug_refs_LDADD = $(gcx_ldadd)
tests_gcx_debug_clean_SOURCES = tests/gcx/debug_clean.c
tests_gcx_debug_clean_LDADD = $(gcx_ldadd)
tests_gcx_door_SOURCES = tests/gcx/door.c
tests_gcx_door_LDADD = $(gcx_ldadd)
tests_gcx_faults_SOURCES = tests/gcx/faults.c
tests_gcx_faults_LDADD = $(gcx_ldadd)
tests_gcx_kinds_SOURCES = tests/gcx/kinds.c
tests_gcx_kinds_LDADD = $(gcx_ldadd)
tests_gcx_life_SOURCES = tests/gcx/life.c
tests_gcx_life_LDADD = $(gcx_ldadd)
tests_gcx_many_SOURCES = tests/gcx/many.c
tests_gcx_many_LDADD = $(gcx_ldadd)
tests_gcx_memory_SOURCES = tests/gcx/memory.c
tests_gcx_memory_LDADD = $(gcx_ldadd)
tests_gcx_no_memory_SOURCES = tests/gcx/no_memory.c
tests_gcx_no_memory_LDADD = $(gcx_ldadd)
tests_gcx_order_SOURCES = tests/gcx/order.c
tests_gcx_order_LDADD = $(gcx_ldadd)
tests_gcx_pressure_SOURCES = tests/gcx/pressure.c
tests_gcx_pressure_LDADD = $(gcx_ldadd)
tests_gcx_promises_SOURCES = tests/gcx/promises.c
tests_gcx_promises_LDADD = $(gcx_ldadd)
tests_gcx_race_SOURCES = tests/gcx/race.c
tests_gcx_race_LDADD = $(gcx_ldadd)
tests_gcx_retire_SOURCES = tests/gcx/retire.c
tests_gcx_retire_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_stopped_SOURCES = tests/gcx/stopped.c
tests_gcx_stopped_LDADD = $(gcx_ldadd)

# A library to unload; the rpath only makes libtool build a shared object.
check_LTLIBRARIES += tests/gcx/plugin.la
tests_gcx_plugin_la_SOURCES = tests/gcx/plugin.c tests/gcx/plugin.h
tests_gcx_plugin_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
tests_gcx_unload_SOURCES = tests/gcx/unload.c tests/gcx/plugin.h
tests_gcx_unload_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTEST_PLUGIN='"$(abs_top_builddir)/tests/gcx/.libs/plugin.so"'
tests_gcx_unload_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la \
	$(LIBDL)
EXTRA_tests_gcx_unload_DEPENDENCIES = tests/gcx/plugin.la

tests_gcx_waiting_SOURCES = tests/gcx/waiting.c
tests_gcx_waiting_LDADD = $(gcx_ldadd)
tests_gcx_step_SOURCES = tests/gcx/step.c tests/lib/stepping.c \
	tests/lib/stepping.h
tests_gcx_step_LDADD = $(gcx_ldadd)

tests_gcx_exceptions_SOURCES = tests/gcx/exceptions.cc
tests_gcx_exceptions_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
if HAVE_CXX
check_PROGRAMS += tests/gcx/exceptions
TESTS += tests/gcx/exceptions
endif

gcx_weak_programs = tests/gcx/ephemeron tests/gcx/weak \
	tests/gcx/weak_map tests/gcx/weak_map_keys \
	tests/gcx/weak_map_one tests/gcx/weak_map_threads tests/gcx/weak_notified \
	tests/gcx/weak_threads
check_PROGRAMS += $(gcx_weak_programs)
TESTS += $(gcx_weak_programs)

tests_gcx_ephemeron_SOURCES = tests/gcx/ephemeron.c tests/gcx/keyed.h
tests_gcx_ephemeron_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_weak_SOURCES = tests/gcx/weak.c
tests_gcx_weak_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_weak_map_SOURCES = tests/gcx/weak_map.c tests/gcx/keyed.h
tests_gcx_weak_map_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_weak_map_keys_SOURCES = tests/gcx/weak_map_keys.c
tests_gcx_weak_map_keys_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_weak_map_one_SOURCES = tests/gcx/weak_map_one.c tests/gcx/keyed.h
tests_gcx_weak_map_one_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_weak_map_threads_SOURCES = tests/gcx/weak_map_threads.c
tests_gcx_weak_map_threads_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_weak_notified_SOURCES = tests/gcx/weak_notified.c
tests_gcx_weak_notified_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_weak_threads_SOURCES = tests/gcx/weak_threads.c
tests_gcx_weak_threads_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la

gcx_observe_programs = tests/gcx/observe tests/gcx/observe_threads
check_PROGRAMS += $(gcx_observe_programs)
TESTS += $(gcx_observe_programs)

tests_gcx_observe_SOURCES = tests/gcx/observe.c
tests_gcx_observe_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
tests_gcx_observe_threads_SOURCES = tests/gcx/observe_threads.c
tests_gcx_observe_threads_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
