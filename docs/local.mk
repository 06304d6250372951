# docs/local.mk: pages for readers, and the manual. SPDX-License-Identifier: MIT

dist_man_MANS += docs/man/gc.3 docs/man/gc.7 docs/man/gcmalloc.7 docs/man/gcx_debug.3 \
	docs/man/gcx_reclaim.3 docs/man/gcx_weak.3 docs/man/gcx_weak_map.3 \
	docs/man/hcons.3
if HEXPR
dist_man_MANS += docs/man/hexpr.1 docs/man/hexpr.3
endif

EXTRA_DIST += docs/README.md docs/design/adapter.md docs/design/drop-in.md \
	docs/design/finalisation.md \
	docs/design/hash-consing.md docs/design/heap.md docs/design/hexpr.md \
	docs/design/notification.md docs/design/overview.md \
	docs/design/promises.md docs/design/protocol.md docs/design/semantics.md \
	docs/design/traps.md \
	docs/design/weak.md docs/guide/hash-consing.md \
	docs/guide/migrate.md docs/guide/notifiers.md docs/guide/start.md
