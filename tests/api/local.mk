# tests/api/local.mk: black-box tests through the public headers only. SPDX-License-Identifier: MIT
#
# The same programs are compiled against the system's libgc by check-bdw, so
# nothing here may need more than a public header and these helpers.

api_ldadd = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la $(LIBDL)

api_programs = tests/api/alloc tests/api/backptr tests/api/base_size tests/api/collect \
	tests/api/contract tests/api/copyreloc tests/api/corners tests/api/debugging \
	tests/api/describe \
	tests/api/edges \
	tests/api/edge_settings \
	tests/api/disclaim tests/api/dlopen_gc tests/api/dlrace tests/api/dynamic_tls \
	tests/api/env \
	tests/api/finalise tests/api/finalise_when tests/api/fork tests/api/free_realloc \
	tests/api/init tests/api/init_macros tests/api/limits tests/api/links tests/api/marking \
	tests/api/redirects tests/api/registers tests/api/roots tests/api/settings \
	tests/api/stats tests/api/suspend tests/api/thread_signals tests/api/threads \
	tests/api/trap_coroutines tests/api/trap_follow tests/api/trap_signals \
	tests/api/traces tests/api/trap_step tests/api/trap_storm \
	tests/api/trap_threads tests/api/typed

check_PROGRAMS += $(api_programs)
TESTS += $(api_programs) tests/api/trap_asan.sh tests/api/trap_late_load.sh

tests_api_alloc_SOURCES = tests/api/alloc.c
tests_api_alloc_LDADD = $(api_ldadd)
tests_api_backptr_SOURCES = tests/api/backptr.c
tests_api_backptr_LDADD = $(api_ldadd)
tests_api_base_size_SOURCES = tests/api/base_size.c
tests_api_base_size_LDADD = $(api_ldadd)
tests_api_collect_SOURCES = tests/api/collect.c
tests_api_collect_LDADD = $(api_ldadd)
tests_api_contract_SOURCES = tests/api/contract.c tests/api/slots.h
tests_api_contract_LDADD = $(api_ldadd)
tests_api_corners_SOURCES = tests/api/corners.c
tests_api_corners_LDADD = $(api_ldadd)
tests_api_debugging_SOURCES = tests/api/debugging.c
tests_api_debugging_LDADD = $(api_ldadd)
tests_api_describe_SOURCES = tests/api/describe.c
tests_api_describe_LDADD = $(api_ldadd)
tests_api_edges_SOURCES = tests/api/edges.c
tests_api_edges_LDADD = $(api_ldadd)
tests_api_edge_settings_SOURCES = tests/api/edge_settings.c
tests_api_edge_settings_LDADD = $(api_ldadd)
tests_api_disclaim_SOURCES = tests/api/disclaim.c
tests_api_disclaim_LDADD = $(api_ldadd)
tests_api_env_SOURCES = tests/api/env.c
tests_api_env_LDADD = $(api_ldadd)
tests_api_finalise_SOURCES = tests/api/finalise.c tests/api/finalise.h
tests_api_finalise_LDADD = $(api_ldadd)
tests_api_finalise_when_SOURCES = tests/api/finalise_when.c \
	tests/api/finalise.h
tests_api_finalise_when_LDADD = $(api_ldadd)
tests_api_fork_SOURCES = tests/api/fork.c
tests_api_fork_LDADD = $(api_ldadd)
tests_api_free_realloc_SOURCES = tests/api/free_realloc.c
tests_api_free_realloc_LDADD = $(api_ldadd)
tests_api_init_SOURCES = tests/api/init.c
tests_api_init_LDADD = $(api_ldadd)
tests_api_init_macros_SOURCES = tests/api/init_macros.c
tests_api_init_macros_LDADD = $(api_ldadd)
tests_api_limits_SOURCES = tests/api/limits.c
tests_api_limits_LDADD = $(api_ldadd)
tests_api_links_SOURCES = tests/api/links.c
tests_api_links_LDADD = $(api_ldadd)
tests_api_marking_SOURCES = tests/api/marking.c
tests_api_marking_LDADD = $(api_ldadd)
tests_api_redirects_SOURCES = tests/api/redirects.c
tests_api_redirects_LDADD = $(api_ldadd)
tests_api_registers_SOURCES = tests/api/registers.c
tests_api_registers_LDADD = $(api_ldadd)
tests_api_settings_SOURCES = tests/api/settings.c
tests_api_settings_LDADD = $(api_ldadd)
tests_api_stats_SOURCES = tests/api/stats.c
tests_api_stats_LDADD = $(api_ldadd)
tests_api_suspend_SOURCES = tests/api/suspend.c tests/api/slots.h
tests_api_suspend_LDADD = $(api_ldadd)
tests_api_threads_SOURCES = tests/api/threads.c tests/api/slots.h
tests_api_threads_LDADD = $(api_ldadd)
tests_api_thread_signals_SOURCES = tests/api/thread_signals.c tests/api/slots.h
tests_api_thread_signals_LDADD = $(api_ldadd)

# Its functions have names that the loader knows.
tests_api_traces_SOURCES = tests/api/traces.c
tests_api_traces_LDFLAGS = -export-dynamic
tests_api_traces_LDADD = $(api_ldadd)

# The traps of docs/design/traps.md that no other program is about.
tests_api_trap_coroutines_SOURCES = tests/api/trap_coroutines.c tests/api/slots.h
tests_api_trap_coroutines_LDADD = $(api_ldadd)
tests_api_trap_follow_SOURCES = tests/api/trap_follow.c
tests_api_trap_follow_LDADD = $(api_ldadd)
tests_api_trap_signals_SOURCES = tests/api/trap_signals.c tests/api/slots.h
tests_api_trap_signals_LDADD = $(api_ldadd)
tests_api_trap_step_SOURCES = tests/api/trap_step.c tests/lib/stepping.c \
	tests/lib/stepping.h
tests_api_trap_step_LDADD = $(api_ldadd)
tests_api_trap_storm_SOURCES = tests/api/trap_storm.c
tests_api_trap_storm_LDADD = $(api_ldadd)
tests_api_trap_threads_SOURCES = tests/api/trap_threads.c tests/api/slots.h
tests_api_trap_threads_LDADD = $(api_ldadd)

tests_api_typed_SOURCES = tests/api/typed.c
tests_api_typed_LDADD = $(api_ldadd)

tests_api_cpp_SOURCES = tests/api/cpp.cc
tests_api_cpp_LDADD = libgccpp.la $(api_ldadd)
tests_api_cpp_gc_SOURCES = tests/api/cpp_gc.cc
tests_api_cpp_gc_LDADD = libgccpp.la $(api_ldadd)
tests_api_cpp_gc_debug_SOURCES = tests/api/cpp_gc.cc
tests_api_cpp_gc_debug_CPPFLAGS = $(AM_CPPFLAGS) -DGC_DEBUG
tests_api_cpp_gc_debug_LDADD = libgccpp.la $(api_ldadd)
if CPLUSPLUS
check_PROGRAMS += tests/api/cpp tests/api/cpp_gc tests/api/cpp_gc_debug
TESTS += tests/api/cpp tests/api/cpp_gc tests/api/cpp_gc_debug
endif

# At a fixed address the program gets copies of the public variables.
tests_api_copyreloc_SOURCES = tests/api/copyreloc.c
tests_api_copyreloc_CFLAGS = $(AM_CFLAGS) -fno-pie
tests_api_copyreloc_LDFLAGS = -no-pie
tests_api_copyreloc_LDADD = $(api_ldadd)

# A library to load; the rpath only makes libtool build a shared object.
check_LTLIBRARIES += tests/api/rootlib.la
tests_api_rootlib_la_SOURCES = tests/api/rootlib.c tests/api/rootlib.h
tests_api_rootlib_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

rootlib_cppflags = $(AM_CPPFLAGS) \
	-DTEST_ROOTLIB='"$(abs_top_builddir)/tests/api/.libs/rootlib.so"'

check_LTLIBRARIES += tests/api/tlslib.la
tests_api_tlslib_la_SOURCES = tests/api/tlslib.c tests/api/tlslib.h
tests_api_tlslib_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

tests_api_dynamic_tls_SOURCES = tests/api/dynamic_tls.c tests/api/tlslib.h
tests_api_dynamic_tls_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTEST_TLSLIB='"$(abs_top_builddir)/tests/api/.libs/tlslib.so"'
tests_api_dynamic_tls_LDADD = $(api_ldadd)
EXTRA_tests_api_dynamic_tls_DEPENDENCIES = tests/api/tlslib.la

tests_api_roots_SOURCES = tests/api/roots.c tests/api/rootlib.h
tests_api_roots_CPPFLAGS = $(rootlib_cppflags)
tests_api_roots_LDADD = $(api_ldadd)
EXTRA_tests_api_roots_DEPENDENCIES = tests/api/rootlib.la
tests_api_dlrace_SOURCES = tests/api/dlrace.c tests/api/rootlib.h
tests_api_dlrace_CPPFLAGS = $(rootlib_cppflags)
tests_api_dlrace_LDADD = $(api_ldadd)
EXTRA_tests_api_dlrace_DEPENDENCIES = tests/api/rootlib.la

# Loads the collector at run time, so it is not linked with it.
tests_api_dlopen_gc_SOURCES = tests/api/dlopen_gc.c
tests_api_dlopen_gc_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTEST_LIBGC='"$(abs_top_builddir)/.libs/libgc.so.1"'
tests_api_dlopen_gc_LDADD = tests/lib/libtap.la $(LIBDL)
EXTRA_tests_api_dlopen_gc_DEPENDENCIES = libgc.la

EXTRA_DIST += tests/api/bdw-differs.list tests/api/run-bdw.sh \
	tests/api/trap_asan.sh tests/api/trap_late_load.sh
