/* include/gc/javaxfc.h: finalisation at the end of a program. SPDX-License-Identifier: MIT */

#ifndef GC_JAVAXFC_H
#define GC_JAVAXFC_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the finalisers of all objects, reachable or not, in no particular
 * order, and those that these register, until none is left.  For the end of
 * a program: a finaliser may meet objects that were finalised before it.  It
 * must not be called inside a finaliser.  [collect], as in gc.h */
GC_API void GC_CALL GC_finalize_all(void);

#ifdef __cplusplus
}
#endif

#endif /* GC_JAVAXFC_H */
