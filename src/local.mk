# src/local.mk: sources of the collector. SPDX-License-Identifier: MIT

libgccore_la_SOURCES = \
	src/base/atomic.h src/base/atomic_lao.h src/base/bits.h src/base/check.c src/base/check.h \
	src/base/compiler.h src/base/config.h src/base/format.c \
	src/base/format.h src/base/option.c src/base/option.h \
	src/base/switches.c src/base/switches.h \
	src/plat/arch_x86_64.c src/plat/catch.c src/plat/fake_stack.c \
	src/plat/futex.c src/plat/images.c \
	src/plat/lock.c src/plat/lock.h src/plat/mappings.c src/plat/memory.c src/plat/plat.h \
	src/plat/self.c src/plat/self.h src/plat/signal.c src/plat/system.c \
	src/plat/text.c src/plat/thread.c src/plat/trace.c \
	src/heap/find.c src/heap/find.h src/heap/heap.h src/heap/kind.c \
	src/heap/layout.c src/heap/layout.h src/heap/mark_bits.c \
	src/heap/mark_bits_inline.h src/heap/meta.c src/heap/meta.h src/heap/packed.c \
	src/heap/packed.h src/heap/side.c src/heap/side.h src/heap/sited.c \
	src/heap/sited.h src/heap/sizeclass.c \
	src/heap/space.c src/heap/space.h \
	src/heap/tlab.h \
	src/world/fork.c src/world/fork.h src/world/frame.c \
	src/world/frame.h src/world/ranges.c \
	src/world/ranges.h src/world/roots.c \
	src/world/roots.h src/world/stack.c src/world/stack.h \
	src/world/stop.c src/world/stop.h src/world/suspend.c \
	src/world/suspend.h src/world/thread.c \
	src/world/thread.h \
	src/mark/hold.c src/mark/hold.h src/mark/mark.h \
	src/mark/mark_inline.h src/mark/proc.c src/mark/proc.h \
	src/mark/rescan.c src/mark/rescan.h src/mark/rootscan.c \
	src/mark/rootscan.h src/mark/scan.c src/mark/typed.c src/mark/typed.h \
	src/notify/debug.c src/notify/debug.h src/notify/debug_text.c \
	src/notify/final.c src/notify/final.h src/notify/link.c \
	src/notify/link.h src/notify/pending.c src/notify/pending.h \
	src/notify/quarantine.c src/notify/quarantine.h \
	src/notify/toggle.c src/notify/toggle.h \
	src/reclaim/classify.c src/reclaim/classify.h src/reclaim/large.c \
	src/reclaim/large.h src/reclaim/observed.c src/reclaim/observed.h \
	src/reclaim/pool.c src/reclaim/pool.h \
	src/reclaim/joint_table.c src/reclaim/joint_table.h \
	src/reclaim/weak_cells.c src/reclaim/weak_cells.h \
	src/reclaim/weak_table.c src/reclaim/weak_table.h \
	src/cycle/api_lock.c src/cycle/api_lock.h src/cycle/await.c \
	src/cycle/collect.c src/cycle/drain.c src/cycle/drain.h \
	src/cycle/claims.c src/cycle/claims.h \
	src/cycle/hold_phase.c src/cycle/hold_phase.h \
	src/cycle/notifier.c src/cycle/notifier.h src/cycle/observe.c \
	src/cycle/observe.h src/cycle/watch.c \
	src/cycle/watch.h \
	src/cycle/finalise.c src/cycle/finalise.h \
	src/cycle/collect.h src/cycle/deliver.c src/cycle/deliver.h \
	src/cycle/gc_start.c src/cycle/gc_start.h src/cycle/pacer.c \
	src/cycle/pacer.h src/cycle/ephemeron.c src/cycle/ephemeron.h \
	src/cycle/waiting.c src/cycle/waiting.h \
	src/cycle/weak.c src/cycle/weak.h \
	src/cycle/weak_map.c src/cycle/weak_map.h \
	src/alloc/alloc.c src/alloc/alloc.h src/alloc/alloc_inline.h \
	src/alloc/debug_alloc.c src/alloc/debug_alloc.h \
	src/alloc/finalized.c src/alloc/finalized.h \
	src/alloc/free_realloc.c src/alloc/free_realloc.h src/alloc/sited.c \
	src/alloc/sited.h \
	src/alloc/supply.c src/alloc/supply.h src/alloc/typed.c \
	src/alloc/typed.h \
	src/diag/debug_check.c src/diag/debug_check.h src/diag/dump.c \
	src/diag/dump.h src/diag/dump_final.c src/diag/referrers.c \
	src/diag/heapmap.c src/diag/heapmap.h src/diag/leak.c \
	src/diag/leak.h src/diag/back.c src/diag/back.h \
	src/diag/chance.c src/diag/chance.h \
	src/diag/report.c src/diag/search.c src/diag/search.h \
	src/diag/sited_check.c \
	src/diag/sited_check.h src/diag/told.c src/diag/told.h \
	src/diag/stats.c src/diag/stats.h src/diag/verify.c \
	src/diag/verify.h

libgc_la_SOURCES = \
	src/compat/compat.h src/compat/gc_backptr_h.c \
	src/compat/gc_debug_h.c src/compat/gc_disclaim_h.c \
	src/compat/gc_dump_h.c src/compat/gc_gcj_h.c \
	src/compat/gc_globals.c src/compat/gc_h_alloc.c \
	src/compat/gc_h_collect.c src/compat/gc_h_final.c \
	src/compat/gc_h_param.c \
	src/compat/gc_h_roots.c src/compat/gc_h_stats.c \
	src/compat/gc_h_thread.c src/compat/gc_incremental_h.c \
	src/compat/gc_inline_h.c src/compat/gc_private.c \
	src/compat/gc_mark_h.c src/compat/gcx_backend_h.c \
	src/compat/gcx_debug_h.c src/compat/gcx_h.c \
	src/compat/gcx_observe_h.c src/compat/gcx_reclaim_h.c \
	src/compat/gcx_weak_h.c src/compat/gcx_weak_map_h.c \
	\
	src/compat/gc_typed_h.c src/compat/observers.h src/compat/pthread_wrap.c

# The C++ companions have libgc's names and are there when a C++ compiler is.
if CPLUSPLUS
lib_LTLIBRARIES += libgccpp.la libgctba.la
libgccpp_la_SOURCES = src/compat/gccpp.cc src/compat/gctba.cc
libgccpp_la_LIBADD = libgc.la
libgccpp_la_LDFLAGS = -version-info 6:0:5
libgctba_la_SOURCES = src/compat/gctba.cc
libgctba_la_LDFLAGS = -version-info 6:0:5
endif
EXTRA_DIST += src/compat/gccpp.cc src/compat/gctba.cc
