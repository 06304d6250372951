/* src/cycle/hold_phase.h: when the hold trace runs. SPDX-License-Identifier: MIT
 *
 * A collection that condemned objects of HELD kinds leaves the stop with the gate of
 * reclaim/classify closed. Whoever takes the drain lock first after that traces, and
 * opens the gate: a notifier thread or the service thread, which are woken for it; a
 * look-up; an allocation that needs memory; the next collection. So nobody sees the
 * time between the stop and the trace but those who allocate and classify, and
 * nobody waits for a thread that runs the program's code. Without such threads
 * the collecting thread itself does it, right after the restart.
 */
#ifndef GC_CYCLE_HOLD_PHASE_H
#define GC_CYCLE_HOLD_PHASE_H

#include "base/config.h"

#include <stdbool.h>

/* In the stop, after the flip: closes the gate when there is something to trace. Behind
 * a stuck notifier it traces at once and frees what that cannot reach. */
void gc_hold_phase_begin(void);

/* Traces if that is due, and opens the gate. [lock drain] */
void gc_hold_phase_settle(void);

/* Waits for the trace, or runs it. World running; no internal lock is held. */
void gc_hold_phase_await(void);

/* An allocation may take so many new bytes rather than wait for the trace. */
bool gc_hold_phase_may_grow(size_t bytes);

#endif
