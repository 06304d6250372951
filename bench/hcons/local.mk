# bench/hcons/local.mk: unique nodes against other stores. SPDX-License-Identifier: MIT
#
#   make bench-hcons      all workloads, medians of five; takes five minutes
#
# The same workloads are compiled once for libhcons, once for libhexpr and once for a
# floor that frees nothing. Peers that Debian packages (BuDDy, OCaml) are compiled by
# bench/hcons/run itself, where they are installed.

bench_hcons_built = bench/hcons/ours bench/hcons/floor \
	bench/hcons/hexpr
EXTRA_PROGRAMS += $(bench_hcons_built)
CLEANFILES += $(bench_hcons_built)
EXTRA_DIST += bench/hcons/run bench/hcons/local.mk bench/hcons/weak.ml \
	bench/hcons/buddy.c

bench_hcons_frame = $(bench_frame) bench/hcons/store.h \
	bench/hcons/programs.h bench/hcons/churn.h bench/hcons/derive.h \
	bench/hcons/peano.h bench/hcons/queens.h bench/hcons/tree.h

bench_hcons_ours_SOURCES = bench/hcons/ours.c bench/hcons/store_ours.h \
	$(bench_hcons_frame) $(libhcons_la_SOURCES)
bench_hcons_ours_CFLAGS = $(AM_CFLAGS)
bench_hcons_ours_LINK = $(BENCH_LINK)
bench_hcons_ours_LDADD = $(BENCH_LIBS) -lm
bench_hcons_ours_DEPENDENCIES = libgc.la

bench_hcons_floor_SOURCES = bench/hcons/floor.c bench/hcons/store_floor.h \
	$(bench_hcons_frame)
bench_hcons_floor_LINK = $(BENCH_LINK)
bench_hcons_floor_LDADD = $(BENCH_LIBS) -lm
bench_hcons_floor_DEPENDENCIES = libgc.la

bench_hcons_hexpr_SOURCES = bench/hcons/hexpr.c bench/hcons/store_hexpr.h \
	$(bench_hcons_frame) $(libhcons_la_SOURCES) $(libhexpr_la_SOURCES)
bench_hcons_hexpr_CFLAGS = $(AM_CFLAGS)
bench_hcons_hexpr_LINK = $(BENCH_LINK)
bench_hcons_hexpr_LDADD = $(BENCH_LIBS) $(GMP_LIBS) -lm
bench_hcons_hexpr_DEPENDENCIES = libgc.la

PHONY_GOALS += bench-hcons

bench-hcons: $(bench_hcons_built)
	CC='$(CC)' $(PYTHON) $(top_srcdir)/bench/hcons/run --bin bench/hcons \
	  --sources $(top_srcdir)/bench/hcons --ours $(BENCH_LIBDIR) $(BENCHFLAGS)
