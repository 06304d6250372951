# bdwgc-patch/local.mk: the adapter of gcx/reclaim.h to the system's libgc. SPDX-License-Identifier: MIT
#
# It is built against the system's headers and library, not those of this tree, so
# a script does it, on demand; check-bdw tests it.

bdw_adapter_files = bdwgc-patch/adapter.h bdwgc-patch/batch.c \
	bdwgc-patch/blocks.c bdwgc-patch/entries.c bdwgc-patch/exit.c \
	bdwgc-patch/fork.c bdwgc-patch/kinds.c bdwgc-patch/notifier.c \
	bdwgc-patch/object.c bdwgc-patch/queue.c bdwgc-patch/sweep.c \
	bdwgc-patch/threads.c bdwgc-patch/trace.c bdwgc-patch/wait.c \
	bdwgc-patch/weak_map.c bdwgc-patch/weak_map.h

PHONY_GOALS += bdw-adapter

bdw-adapter:
	$(SHELL) $(top_srcdir)/bdwgc-patch/build.sh "$(CC)" $(abs_top_srcdir) \
	  $(abs_top_builddir)/bdwgc-patch/build

EXTRA_DIST += $(bdw_adapter_files) bdwgc-patch/README.md bdwgc-patch/build.sh
