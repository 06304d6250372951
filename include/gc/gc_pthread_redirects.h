/* include/gc/gc_pthread_redirects.h: pthread calls through the collector. SPDX-License-Identifier: MIT */

/* The collector must know every thread whose stack may hold references.  A
 * file that defines GC_THREADS and includes gc.h gets the calls below under
 * the usual pthread names, so that threads register and unregister by
 * themselves.  Its other choices:
 *
 *   GC_NO_THREAD_REDIRECTS     declare only; the file calls the GC_ names or
 *                              registers its threads by hand (gc.h)
 *   GC_USE_LD_WRAP             the same; the linker redirects (--wrap)
 *   GC_PTHREAD_REDIRECTS_ONLY  define the macros only, declare nothing
 *   GC_NO_DLOPEN, GC_NO_PTHREAD_SIGMASK, GC_NO_PTHREAD_CANCEL
 *                              leave that one call alone
 *
 * All functions return what the pthread function of the name returns and may
 * be called by any thread.  They never call back into the client except by
 * running the thread's start routine. */
#ifndef GC_PTHREAD_REDIRECTS_H
#define GC_PTHREAD_REDIRECTS_H

#include "gc_config_macros.h"

#ifdef GC_PTHREADS

#ifndef GC_PTHREAD_CREATE_CONST
# define GC_PTHREAD_CREATE_CONST const
#endif
/* What names a thread in javaxfc.h. */
#ifndef GC_SUSPEND_THREAD_ID
# define GC_SUSPEND_THREAD_ID pthread_t
#endif
#ifndef GC_HAVE_PTHREAD_EXIT
# define GC_HAVE_PTHREAD_EXIT
#endif
#ifndef GC_PTHREAD_EXIT_ATTRIBUTE
# if GC_GNUC_PREREQ(2, 7)
#  define GC_PTHREAD_EXIT_ATTRIBUTE __attribute__((__noreturn__))
# else
#  define GC_PTHREAD_EXIT_ATTRIBUTE
# endif
#endif

#ifndef GC_PTHREAD_REDIRECTS_ONLY

#include <pthread.h>
#ifndef GC_NO_DLOPEN
# include <dlfcn.h>
#endif
#ifndef GC_NO_PTHREAD_SIGMASK
# include <signal.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Starts a thread that is registered before start(arg) runs and unregistered
 * when it ends by return, pthread_exit or cancellation.  arg stays alive
 * until the thread can hold it itself.  Initialises the collector; may
 * collect.  EAGAIN when there is no memory for the thread. */
GC_API int GC_CALL GC_pthread_create(pthread_t *,
                                     GC_PTHREAD_CREATE_CONST pthread_attr_t *,
                                     void *(*)(void *) /* start */,
                                     void * /* arg */);

/* Waits for a thread.  Its result is kept alive until then.  The wait does
 * not delay collections.  Does not collect. */
GC_API int GC_CALL GC_pthread_join(pthread_t, void ** /* result */);

/* Gives up the right to join.  Does not collect. */
GC_API int GC_CALL GC_pthread_detach(pthread_t);

/* Cancels a thread; it unregisters while it unwinds.  Does not collect. */
#ifndef GC_NO_PTHREAD_CANCEL
GC_API int GC_CALL GC_pthread_cancel(pthread_t);
#endif

/* Ends the calling thread.  The result stays alive until it is joined. */
#ifndef GC_PTHREAD_EXIT_DECLARED
# define GC_PTHREAD_EXIT_DECLARED
GC_API void GC_CALL GC_pthread_exit(void * /* result */)
    GC_PTHREAD_EXIT_ATTRIBUTE;
#endif

/* Changes the signal mask, but never blocks the signal that stops threads:
 * a thread that blocked it would hang the next collection.  There is no
 * sigset_t when a program asks for plain ISO C. */
#if !defined(GC_NO_PTHREAD_SIGMASK) \
    && (defined(_POSIX_C_SOURCE) || defined(_XOPEN_SOURCE) \
        || defined(_GNU_SOURCE) || defined(_DEFAULT_SOURCE) \
        || defined(_BSD_SOURCE) || defined(GC_PTHREAD_SIGMASK_NEEDED))
GC_API int GC_CALL GC_pthread_sigmask(int /* how */, const sigset_t *,
                                      sigset_t * /* old */);
#endif

/* dlopen, safe against a collection on another thread that reads the list
 * of loaded libraries; the data of the new ones are roots before their
 * constructors run.  Constructors may allocate, hence collect. */
#ifndef GC_NO_DLOPEN
GC_API void *GC_CALL GC_dlopen(const char * /* path */, int /* mode */);
#endif

#ifdef __cplusplus
}
#endif

#endif /* !GC_PTHREAD_REDIRECTS_ONLY */

#if !defined(GC_NO_THREAD_REDIRECTS) && !defined(GC_USE_LD_WRAP)
# undef pthread_create
# define pthread_create GC_pthread_create
# undef pthread_join
# define pthread_join GC_pthread_join
# undef pthread_detach
# define pthread_detach GC_pthread_detach
# undef pthread_exit
# define pthread_exit GC_pthread_exit
# ifndef GC_NO_PTHREAD_CANCEL
#  undef pthread_cancel
#  define pthread_cancel GC_pthread_cancel
# endif
# ifndef GC_NO_PTHREAD_SIGMASK
#  undef pthread_sigmask
#  define pthread_sigmask GC_pthread_sigmask
# endif
# ifndef GC_NO_DLOPEN
#  undef dlopen
#  define dlopen GC_dlopen
# endif
#endif

#endif /* GC_PTHREADS */

#endif /* GC_PTHREAD_REDIRECTS_H */
