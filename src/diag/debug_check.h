/* src/diag/debug_check.h: looking for damage to objects of debug kinds.
 * SPDX-License-Identifier: MIT
 */
#ifndef GC_DIAG_DEBUG_CHECK_H
#define GC_DIAG_DEBUG_CHECK_H

#include "base/config.h"

/* From the first debug kind on, collections look for references to what is in
 * quarantine. Idempotent. */
void gc_referrers_install(void);

/* Stops the world and looks at all objects of debug kinds. Returns how many are
 * damaged; reports them. Known thread, no internal lock held. */
size_t gc_debug_check_all(void);

#endif
