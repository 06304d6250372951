/* src/diag/chance.h: addresses and objects by chance. SPDX-License-Identifier: MIT
 *
 * For who wants to know what fills the heap: whose references keep such an object is
 * asked next.
 */
#ifndef GC_DIAG_CHANCE_H
#define GC_DIAG_CHANCE_H

/* Any address in a used block, all alike; null: there is none. */
void *gc_chance_address(void);
/* An address in a live object; null: there is none. */
void *gc_chance_object(void);

#endif
