# bench/local.mk: the benchmarks and how they are run. SPDX-License-Identifier: MIT
#
# The programs are linked by the compiler itself, not through libtool: no run
# path and no wrapper script may get in the way, because LD_LIBRARY_PATH must
# decide on which library one and the same binary runs.  For the same reason
# hcons_churn takes libhcons in as objects.
#
#   make bench            everything, five pairs; takes about ten minutes
#   make bench-quick      smaller arguments and two pairs; to see that all runs
#   make bench-hexpr      what hexpr costs over hcons; takes half a minute
#   make bench-dropin     Debian's programs on both; takes five minutes
#   make bench-notify     what notified objects cost; takes two minutes
#   make bench-plot       the last result as a picture
#   make bench-programs   only builds
#
# BENCHFLAGS passes options to bench/run: make bench BENCHFLAGS='--only mark'.

BENCHFLAGS =
BENCH_OUT = bench/results/latest
BENCH_LIBDIR = $(abs_top_builddir)/.libs
BENCH_LINK = $(CC) $(AM_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@
BENCH_LIBS = -L$(BENCH_LIBDIR) -lgc
BENCH_RUN = $(PYTHON) $(top_srcdir)/bench/run --bin bench

bench_frame = bench/bench.c bench/bench.h

bench_built = \
	bench/macro/bintrees \
	bench/macro/gcbench \
	bench/macro/hcons_churn \
	bench/macro/lru_cache \
	bench/macro/strings \
	bench/micro/alloc_small \
	bench/micro/disclaim_churn \
	bench/micro/finalisers \
	bench/micro/free_churn \
	bench/micro/large_churn \
	bench/micro/malloc_many \
	bench/micro/mark_array \
	bench/micro/mark_graph \
	bench/micro/mark_lists \
	bench/micro/mark_tree \
	bench/micro/notify_dead \
	bench/micro/notify_pause \
	bench/micro/realloc_growth \
	bench/micro/startup \
	bench/micro/weak_refs \
	bench/micro/weak_table

EXTRA_PROGRAMS += $(bench_built)
CLEANFILES += $(bench_built)
DISTCLEANFILES += $(BENCH_OUT).md $(BENCH_OUT).json $(BENCH_OUT).dat \
	$(BENCH_OUT).svg bench/results/dropin.md bench/results/quick.md bench/results/quick.json \
	bench/results/quick.dat
EXTRA_DIST += bench/run bench/plot bench/notify bench/dropin bench/README.md \
	bench/results/0.1.0.md bench/results/0.1.0.svg \
	bench/results/0.2.0.md bench/results/0.2.0.svg \
	bench/results/0.2.0-dropin.md

bench_macro_bintrees_SOURCES = bench/macro/bintrees.c $(bench_frame)
bench_macro_bintrees_LINK = $(BENCH_LINK)
bench_macro_bintrees_LDADD = $(BENCH_LIBS)
bench_macro_bintrees_DEPENDENCIES = libgc.la

bench_macro_gcbench_SOURCES = bench/macro/gcbench.c $(bench_frame)
bench_macro_gcbench_LINK = $(BENCH_LINK)
bench_macro_gcbench_LDADD = $(BENCH_LIBS)
bench_macro_gcbench_DEPENDENCIES = libgc.la

# Flags of its own give the library's objects names of their own here.
bench_macro_hcons_churn_SOURCES = bench/macro/hcons_churn.c $(bench_frame) \
	$(libhcons_la_SOURCES)
bench_macro_hcons_churn_CFLAGS = $(AM_CFLAGS)
bench_macro_hcons_churn_LINK = $(BENCH_LINK)
bench_macro_hcons_churn_LDADD = $(BENCH_LIBS)
bench_macro_hcons_churn_DEPENDENCIES = libgc.la

# Not one of those that bench/run compares on two libraries: it compares two layers.
EXTRA_PROGRAMS += bench/micro/hexpr_layer
CLEANFILES += bench/micro/hexpr_layer
bench_micro_hexpr_layer_SOURCES = bench/micro/hexpr_layer.c $(bench_frame) \
	$(libhcons_la_SOURCES) $(libhexpr_la_SOURCES)
bench_micro_hexpr_layer_CFLAGS = $(AM_CFLAGS)
bench_micro_hexpr_layer_LINK = $(BENCH_LINK)
bench_micro_hexpr_layer_LDADD = $(BENCH_LIBS) $(GMP_LIBS) -lm
bench_micro_hexpr_layer_DEPENDENCIES = libgc.la

bench_macro_lru_cache_SOURCES = bench/macro/lru_cache.c $(bench_frame)
bench_macro_lru_cache_LINK = $(BENCH_LINK)
bench_macro_lru_cache_LDADD = $(BENCH_LIBS)
bench_macro_lru_cache_DEPENDENCIES = libgc.la

bench_macro_strings_SOURCES = bench/macro/strings.c $(bench_frame)
bench_macro_strings_LINK = $(BENCH_LINK)
bench_macro_strings_LDADD = $(BENCH_LIBS)
bench_macro_strings_DEPENDENCIES = libgc.la

bench_micro_alloc_small_SOURCES = bench/micro/alloc_small.c $(bench_frame)
bench_micro_alloc_small_LINK = $(BENCH_LINK)
bench_micro_alloc_small_LDADD = $(BENCH_LIBS)
bench_micro_alloc_small_DEPENDENCIES = libgc.la

bench_micro_disclaim_churn_SOURCES = bench/micro/disclaim_churn.c $(bench_frame)
bench_micro_disclaim_churn_LINK = $(BENCH_LINK)
bench_micro_disclaim_churn_LDADD = $(BENCH_LIBS)
bench_micro_disclaim_churn_DEPENDENCIES = libgc.la

bench_micro_finalisers_SOURCES = bench/micro/finalisers.c $(bench_frame)
bench_micro_finalisers_LINK = $(BENCH_LINK)
bench_micro_finalisers_LDADD = $(BENCH_LIBS)
bench_micro_finalisers_DEPENDENCIES = libgc.la

bench_micro_free_churn_SOURCES = bench/micro/free_churn.c $(bench_frame)
bench_micro_free_churn_LINK = $(BENCH_LINK)
bench_micro_free_churn_LDADD = $(BENCH_LIBS)
bench_micro_free_churn_DEPENDENCIES = libgc.la

bench_micro_large_churn_SOURCES = bench/micro/large_churn.c $(bench_frame)
bench_micro_large_churn_LINK = $(BENCH_LINK)
bench_micro_large_churn_LDADD = $(BENCH_LIBS)
bench_micro_large_churn_DEPENDENCIES = libgc.la

bench_micro_malloc_many_SOURCES = bench/micro/malloc_many.c $(bench_frame)
bench_micro_malloc_many_LINK = $(BENCH_LINK)
bench_micro_malloc_many_LDADD = $(BENCH_LIBS)
bench_micro_malloc_many_DEPENDENCIES = libgc.la

bench_micro_mark_array_SOURCES = bench/micro/mark_array.c $(bench_frame)
bench_micro_mark_array_LINK = $(BENCH_LINK)
bench_micro_mark_array_LDADD = $(BENCH_LIBS)
bench_micro_mark_array_DEPENDENCIES = libgc.la

bench_micro_mark_graph_SOURCES = bench/micro/mark_graph.c $(bench_frame)
bench_micro_mark_graph_LINK = $(BENCH_LINK)
bench_micro_mark_graph_LDADD = $(BENCH_LIBS)
bench_micro_mark_graph_DEPENDENCIES = libgc.la

bench_micro_mark_lists_SOURCES = bench/micro/mark_lists.c $(bench_frame)
bench_micro_mark_lists_LINK = $(BENCH_LINK)
bench_micro_mark_lists_LDADD = $(BENCH_LIBS)
bench_micro_mark_lists_DEPENDENCIES = libgc.la

bench_micro_mark_tree_SOURCES = bench/micro/mark_tree.c $(bench_frame)
bench_micro_mark_tree_LINK = $(BENCH_LINK)
bench_micro_mark_tree_LDADD = $(BENCH_LIBS)
bench_micro_mark_tree_DEPENDENCIES = libgc.la

bench_micro_notify_dead_SOURCES = bench/micro/notify_dead.c $(bench_frame)
bench_micro_notify_dead_LINK = $(BENCH_LINK)
bench_micro_notify_dead_LDADD = $(BENCH_LIBS)
bench_micro_notify_dead_DEPENDENCIES = libgc.la

bench_micro_notify_pause_SOURCES = bench/micro/notify_pause.c $(bench_frame)
bench_micro_notify_pause_LINK = $(BENCH_LINK)
bench_micro_notify_pause_LDADD = $(BENCH_LIBS)
bench_micro_notify_pause_DEPENDENCIES = libgc.la

bench_micro_realloc_growth_SOURCES = bench/micro/realloc_growth.c $(bench_frame)
bench_micro_realloc_growth_LINK = $(BENCH_LINK)
bench_micro_realloc_growth_LDADD = $(BENCH_LIBS)
bench_micro_realloc_growth_DEPENDENCIES = libgc.la

bench_micro_startup_SOURCES = bench/micro/startup.c $(bench_frame)
bench_micro_startup_LINK = $(BENCH_LINK)
bench_micro_startup_LDADD = $(BENCH_LIBS)
bench_micro_startup_DEPENDENCIES = libgc.la

bench_micro_weak_refs_SOURCES = bench/micro/weak_refs.c $(bench_frame)
bench_micro_weak_refs_LINK = $(BENCH_LINK)
bench_micro_weak_refs_LDADD = $(BENCH_LIBS)
bench_micro_weak_refs_DEPENDENCIES = libgc.la

bench_micro_weak_table_SOURCES = bench/micro/weak_table.c $(bench_frame)
bench_micro_weak_table_LINK = $(BENCH_LINK)
bench_micro_weak_table_LDADD = $(BENCH_LIBS)
bench_micro_weak_table_DEPENDENCIES = libgc.la

# Not a benchmark: it measures programs for bench/dropin.
EXTRA_PROGRAMS += bench/macro/usage
CLEANFILES += bench/macro/usage
bench_macro_usage_SOURCES = bench/macro/usage.c

PHONY_GOALS += bench bench-quick bench-dropin bench-hexpr bench-notify bench-plot \
	bench-programs

include bench/hcons/local.mk

bench-programs: $(bench_built) bench/macro/usage $(bench_hcons_built)

bench: bench-programs
	$(BENCH_RUN) --ours $(BENCH_LIBDIR) --out $(BENCH_OUT) $(BENCHFLAGS)

bench-quick: bench-programs
	$(BENCH_RUN) --ours $(BENCH_LIBDIR) --out bench/results/quick --quick \
	  $(BENCHFLAGS)

if HEXPR
bench-hexpr: bench/micro/hexpr_layer
	LD_LIBRARY_PATH=$(BENCH_LIBDIR) bench/micro/hexpr_layer
else
bench-hexpr:
	@echo "bench-hexpr needs the expression library, which needs GMP" >&2; exit 1
endif

bench-dropin: bench/macro/usage libgc.la
	$(PYTHON) $(top_srcdir)/bench/dropin --ours $(BENCH_LIBDIR) \
	  --out bench/results/dropin.md $(BENCHFLAGS)

bench-notify: bench/micro/notify_pause
	$(PYTHON) $(top_srcdir)/bench/notify --bin bench --ours $(BENCH_LIBDIR) \
	  $(BENCHFLAGS)

bench-plot:
	@test -f $(BENCH_OUT).json || $(MAKE) $(AM_MAKEFLAGS) bench
	$(BENCH_RUN) --render $(BENCH_OUT).json
	@command -v gnuplot >/dev/null \
	  || { echo "bench-plot needs gnuplot (Debian: gnuplot-nox)" >&2; exit 1; }
	gnuplot -c $(top_srcdir)/bench/plot $(BENCH_OUT).dat $(BENCH_OUT).svg
