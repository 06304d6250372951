/* src/compat/observers.h: observers of GCX_MODE_OBSERVE kinds and of code.
 * SPDX-License-Identifier: MIT
 *
 * All answer 0 or an errno value.
 */
#ifndef GC_COMPAT_OBSERVERS_H
#define GC_COMPAT_OBSERVERS_H

#include "reclaim/observed.h"

int gc_compat_begin_observer(const struct gc_observer_plan *plan,
                             struct gc_observer **out);
int gc_compat_quiesce_observer(unsigned kind, unsigned ms);
int gc_compat_retire_observers(uintptr_t low, uintptr_t high, bool tell,
                               unsigned ms);

#endif
