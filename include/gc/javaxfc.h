/* include/gc/javaxfc.h: finalisation at the end of a program; suspending threads. SPDX-License-Identifier: MIT */

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

/* ---- Suspending single threads ---- */

#ifdef GC_THREADS
# ifndef GC_SUSPEND_THREAD_ID
#  define GC_SUSPEND_THREAD_ID void *
# endif

/* Stops a registered thread where it is, until it is resumed.  On return it
 * does not run any more; what only its stack and its registers refer to stays
 * alive.  There is no count: one GC_resume_thread undoes any number of these.
 * Of an unknown or an ended thread: no effect.
 *
 * A thread inside GC_do_blocking goes on there and stands still when it comes
 * out.  A thread may suspend itself, and returns when it was resumed, but not
 * while it owns the allocator lock: that ends the process.
 *
 * The allocator lock is taken, so a thread that owns that lock, or collects, is
 * stopped when it is done.  But whatever else a thread owns stays with it: a
 * lock of the program or of the C library, say of malloc, or a notifier or a
 * finaliser that it was about to finish.  Who waits for that, waits.  The
 * thread does not take signals, nor end by cancellation, before it is resumed.
 * In the child of a fork no thread is suspended.
 *
 * Any thread may call it, with the world running; not in a signal handler.
 * Does not allocate or call back; may collect if a collection waits for the
 * allocator lock.  Needs a signal and its answer. */
GC_API void GC_CALL GC_suspend_thread(GC_SUSPEND_THREAD_ID);

/* Lets the thread go on, at once, if it is suspended.  Any thread but a
 * suspended one; does not wait for the thread.  [manage], as in gc.h */
GC_API void GC_CALL GC_resume_thread(GC_SUSPEND_THREAD_ID);

/* 1 from GC_suspend_thread until GC_resume_thread, else 0.  [manage], as in
 * gc.h */
GC_API int GC_CALL GC_is_thread_suspended(GC_SUSPEND_THREAD_ID);
#endif /* GC_THREADS */

#ifdef __cplusplus
}
#endif

#endif /* GC_JAVAXFC_H */
