/* include/gcx/backend.h: what the library behind gcx/reclaim.h can give. SPDX-License-Identifier: MIT */

/* Two libraries have the functions of gcx/reclaim.h: Reclaim, and an adapter to
 * an unmodified libgc (the folder bdwgc-patch), which can not keep every promise
 * of that header.  Each says which it keeps.  A program that needs one asks at
 * its start; making a kind that depends on what is missing fails with ENOTSUP.
 * Since 0.2.0. */
#ifndef GCX_BACKEND_H
#define GCX_BACKEND_H

#include "../gc/gc_config_macros.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Which deaths are notified, and when ---- */

/* Deaths in blocks that are nearly full of live objects are notified, too.
 * Without it they wait until more of the block has died. */
#define GCX_CAP_FULL_BLOCKS 0x1u
/* A collection notifies all that it found dead, with no further allocation or
 * collection.  Without it some deaths wait until memory of their size is wanted,
 * or for gcx_drain or gcx_kind_quiesce, which collect then. */
#define GCX_CAP_PROMPT 0x2u
/* Of a chain of dead GCX_REFS_HELD objects all die in one collection.  Without it
 * one link a collection does, if its block is looked at. */
#define GCX_CAP_DEEP 0x4u
/* Dead GCX_REFS_HELD objects that refer to each other in a cycle are notified.
 * Without it they stay for ever, and gcx_kind_opts.on_revive is refused. */
#define GCX_CAP_CYCLES 0x8u
/* Dead objects that are GCX_REFS_HELD parents before their children, where the
 * references form no cycle.  With GCX_CAP_DEEP also through dead objects of
 * GCX_REFS_NONE kinds in between. */
#define GCX_CAP_ORDER 0x10u
/* A notified object's memory can be used again in the same collection. */
#define GCX_CAP_SAME_COLLECTION 0x20u
/* GCX_RELEASE_BATCH for GCX_REFS_NONE kinds; GCX_REFS_HELD kinds always have it. */
#define GCX_CAP_BATCH 0x40u
/* GC_free of a notified object is allowed, and its death notified.  Without it
 * such objects must not be given to GC_free or GC_realloc. */
#define GCX_CAP_FREE 0x80u

/* ---- Kinds ---- */

#define GCX_CAP_SIMPLE 0x100u /* GCX_MODE_SIMPLE */
#define GCX_CAP_OBSERVE                                                        \
  0x200u /* GCX_MODE_OBSERVE, gcx_observe and its family */
#define GCX_CAP_AT_EXIT 0x400u /* GCX_KIND_AT_EXIT */
#define GCX_CAP_DEBUG 0x800u   /* GCX_KIND_DEBUG, gcx/debug.h */
/* GCX_LAYOUT_PROC, and any bitmap, for GCX_REFS_HELD kinds; any number of
 * different layout words.  Without it there are at most five, and HELD bitmaps
 * end with bit 59. */
#define GCX_CAP_LAYOUTS 0x1000u
/* GC_base of an object of a notified kind is the object, whatever the kind.
 * Without it GC_base and GC_size of GCX_REFS_HELD objects answer for a block that
 * begins 16 bytes before. */
#define GCX_CAP_BASE 0x2000u

/* ---- The rest ---- */

/* Notifiers that block for ever (stuck_ms), let a C++ exception out, or end
 * their thread cost one object. */
#define GCX_CAP_FAULTS 0x4000u
#define GCX_CAP_FORK 0x8000u    /* notifiers go on in a child that was forked */
#define GCX_CAP_RETIRE 0x10000u /* gcx_retire_code_range */
/* gcx/weak.h; and keys of weak maps that are freed by hand lose their entries. */
#define GCX_CAP_WEAK 0x20000u
#define GCX_CAP_OLD_DOOR 0x40000u /* gcx_set_disclaim_mode (GCX_MODE_PROPER) */

/* gcx/weak_map.h.  Without GCX_CAP_WEAK a key must not be given to GC_free or GC_realloc
 * while it has an entry. */
#define GCX_CAP_WEAK_MAPS 0x80000u

#define GCX_CAP_ALL 0xfffffu

/* The GCX_CAP_ bits of the library that the program runs with; Reclaim has
 * GCX_CAP_ALL.  A constant: any thread, any time, before GC_INIT as well; neither
 * collects, calls back nor needs memory.  Since 0.2.0. */
GC_API unsigned GC_CALL gcx_backend_caps(void);

#ifdef __cplusplus
}
#endif

#endif /* GCX_BACKEND_H */
