/* src/diag/verify.h: the heap verifier. SPDX-License-Identifier: MIT
 */
#ifndef GC_DIAG_VERIFY_H
#define GC_DIAG_VERIFY_H

/* World stopped, marking, examine and hold done, before the flip. Aborts with a
 * message that names block and object when an invariant of heap.h is broken or a
 * live object refers to one that is about to be freed. */
void gc_verify_after_mark(void);

#endif
