/* src/diag/sited_check.h: damage to objects that know where they were allocated.
 * SPDX-License-Identifier: MIT
 */
#ifndef GC_DIAG_SITED_CHECK_H
#define GC_DIAG_SITED_CHECK_H

/* World stopped, marks complete, before the flip: reports which are damaged. */
void gc_sited_check(void);

#endif
