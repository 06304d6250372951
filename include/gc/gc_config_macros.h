/* include/gc/gc_config_macros.h: attributes, threads, GC_INIT. SPDX-License-Identifier: MIT */

/* What gc.h needs from the compiler and from the program's own -D flags.
 * It comes in four parts: thread selection, linkage, attributes, and the
 * GC_INIT macro with its hooks.  Programs include gc.h, not this file. */
#ifndef GC_CONFIG_MACROS_H
#define GC_CONFIG_MACROS_H

/* ---- Threads ---- */

/* A program that starts threads defines GC_THREADS before it includes gc.h.
 * That redirects the pthread calls (gc_pthread_redirects.h); the library
 * itself always supports threads.  The older platform names mean the same. */
#if defined(LINUX_THREADS) && !defined(GC_LINUX_THREADS)
# define GC_LINUX_THREADS
#endif
#if defined(GC_LINUX_THREADS) && !defined(GC_THREADS)
# define GC_THREADS
#endif
#ifdef USE_LD_WRAP
# define GC_USE_LD_WRAP
#endif

#undef GC_PTHREADS
#ifdef GC_THREADS
# ifndef GC_LINUX_THREADS
#  define GC_LINUX_THREADS
# endif
# define GC_PTHREADS
/* Old libc headers wanted to know this before their first inclusion. */
# ifndef _REENTRANT
#  define _REENTRANT 1
# endif
#endif

#include <stddef.h>

/* ---- Compiler and linkage ---- */

#if defined(__GNUC__) && defined(__GNUC_MINOR__)
# define GC_GNUC_PREREQ(major, minor) \
    (__GNUC__ > (major) || (__GNUC__ == (major) && __GNUC_MINOR__ >= (minor)))
#else
# define GC_GNUC_PREREQ(major, minor) 0
#endif

/* Only the build of the library defines GC_BUILD: it is compiled with hidden
 * visibility and opens it again for what these headers declare. */
#ifndef GC_API
# if defined(GC_BUILD) && GC_GNUC_PREREQ(4, 0)
#  define GC_API extern __attribute__((__visibility__("default")))
# else
#  define GC_API extern
# endif
#endif

/* Calling conventions of the interface and of the client's callbacks.  They
 * are empty here; portable programs write them. */
#ifndef GC_CALL
# define GC_CALL
#endif
#ifndef GC_CALLBACK
# define GC_CALLBACK GC_CALL
#endif

/* ---- Attributes ---- */

/* The result aliases nothing.  An out-of-memory function that returns memory
 * in use breaks that promise: such a program defines
 * GC_OOM_FUNC_RETURNS_ALIAS. */
#ifndef GC_ATTR_MALLOC
# if GC_GNUC_PREREQ(3, 1) && !defined(GC_OOM_FUNC_RETURNS_ALIAS)
#  define GC_ATTR_MALLOC __attribute__((__malloc__))
# else
#  define GC_ATTR_MALLOC
# endif
#endif

/* The number of the parameter (or the two) that gives the size in bytes. */
#ifndef GC_ATTR_ALLOC_SIZE
# if GC_GNUC_PREREQ(4, 3) || defined(__clang__)
#  define GC_ATTR_ALLOC_SIZE(arg) __attribute__((__alloc_size__(arg)))
#  define GC_ATTR_CALLOC_SIZE(n, s) __attribute__((__alloc_size__(n, s)))
# else
#  define GC_ATTR_ALLOC_SIZE(arg)
# endif
#endif
#ifndef GC_ATTR_CALLOC_SIZE
# define GC_ATTR_CALLOC_SIZE(n, s)
#endif

/* The parameter must not be NULL. */
#ifndef GC_ATTR_NONNULL
# if GC_GNUC_PREREQ(4, 0)
#  define GC_ATTR_NONNULL(arg) __attribute__((__nonnull__(arg)))
# else
#  define GC_ATTR_NONNULL(arg)
# endif
#endif

/* The result depends on nothing but the parameters. */
#ifndef GC_ATTR_CONST
# if GC_GNUC_PREREQ(4, 0)
#  define GC_ATTR_CONST __attribute__((__const__))
# else
#  define GC_ATTR_CONST
# endif
#endif

#ifndef GC_ATTR_DEPRECATED
# if GC_GNUC_PREREQ(4, 0) && !defined(GC_BUILD)
#  define GC_ATTR_DEPRECATED __attribute__((__deprecated__))
# else
#  define GC_ATTR_DEPRECATED
# endif
#endif

/* For the C++ headers: what throws nothing, and converting constructors. */
#ifdef __cplusplus
# ifndef GC_NOEXCEPT
#  if __cplusplus >= 201103L
#   define GC_NOEXCEPT noexcept
#  else
#   define GC_NOEXCEPT throw()
#  endif
# endif
# ifndef GC_ATTR_EXPLICIT
#  if __cplusplus >= 201103L
#   define GC_ATTR_EXPLICIT explicit
#  else
#   define GC_ATTR_EXPLICIT
#  endif
# endif
#endif

/* ---- GC_INIT and its hooks ---- */

/* GC_INIT() is GC_init() with the program's own compile-time settings around
 * it.  Each setting is a macro that the program defines before it includes
 * gc.h; the lines below turn it into a call, or into nothing.  Settings of
 * policy come before GC_init(), which may already collect. */

#ifdef GC_DONT_EXPAND /* flag: see GC_set_dont_expand */
# define GC_INIT_CONF_DONT_EXPAND GC_set_dont_expand(1);
#else
# define GC_INIT_CONF_DONT_EXPAND
#endif

#ifdef GC_FORCE_UNMAP_ON_GCOLLECT /* flag */
# define GC_INIT_CONF_FORCE_UNMAP_ON_GCOLLECT \
    GC_set_force_unmap_on_gcollect(1);
#else
# define GC_INIT_CONF_FORCE_UNMAP_ON_GCOLLECT
#endif

#ifdef GC_DONT_GC /* flag: no collection at all */
# define GC_INIT_CONF_DONT_GC GC_dont_gc = 1;
#else
# define GC_INIT_CONF_DONT_GC
#endif

#ifdef GC_MAX_RETRIES /* a count */
# define GC_INIT_CONF_MAX_RETRIES GC_set_max_retries(GC_MAX_RETRIES);
#else
# define GC_INIT_CONF_MAX_RETRIES
#endif

#ifdef GC_FREE_SPACE_DIVISOR /* a positive number */
# define GC_INIT_CONF_FREE_SPACE_DIVISOR \
    GC_set_free_space_divisor(GC_FREE_SPACE_DIVISOR);
#else
# define GC_INIT_CONF_FREE_SPACE_DIVISOR
#endif

#ifdef GC_ALLOCD_BYTES_PER_FINALIZER /* bytes */
# define GC_INIT_CONF_ALLOCD_BYTES_PER_FINALIZER \
    GC_set_allocd_bytes_per_finalizer(GC_ALLOCD_BYTES_PER_FINALIZER);
#else
# define GC_INIT_CONF_ALLOCD_BYTES_PER_FINALIZER
#endif

#ifdef GC_FULL_FREQ /* a count */
# define GC_INIT_CONF_FULL_FREQ GC_set_full_freq(GC_FULL_FREQ);
#else
# define GC_INIT_CONF_FULL_FREQ
#endif

#ifdef GC_TIME_LIMIT /* milliseconds */
# define GC_INIT_CONF_TIME_LIMIT GC_set_time_limit(GC_TIME_LIMIT);
#else
# define GC_INIT_CONF_TIME_LIMIT
#endif

#if defined(GC_MARKERS) && defined(GC_THREADS) /* a number of threads */
# define GC_INIT_CONF_MARKERS GC_set_markers_count(GC_MARKERS);
#else
# define GC_INIT_CONF_MARKERS
#endif

/* Data of the program and its libraries is found without help. */
#define GC_INIT_CONF_ROOTS

#if defined(GC_SIG_SUSPEND) && defined(GC_THREADS) /* a signal number */
# define GC_INIT_CONF_SUSPEND_SIGNAL GC_set_suspend_signal(GC_SIG_SUSPEND);
#else
# define GC_INIT_CONF_SUSPEND_SIGNAL
#endif

#if defined(GC_SIG_THR_RESTART) && defined(GC_THREADS) /* a signal number */
# define GC_INIT_CONF_THR_RESTART_SIGNAL \
    GC_set_thr_restart_signal(GC_SIG_THR_RESTART);
#else
# define GC_INIT_CONF_THR_RESTART_SIGNAL
#endif

#ifdef GC_MAXIMUM_HEAP_SIZE /* bytes */
# define GC_INIT_CONF_MAXIMUM_HEAP_SIZE \
    GC_set_max_heap_size(GC_MAXIMUM_HEAP_SIZE);
#else
# define GC_INIT_CONF_MAXIMUM_HEAP_SIZE
#endif

#ifdef GC_IGNORE_WARN /* flag: no warnings on standard error */
# define GC_INIT_CONF_IGNORE_WARN GC_set_warn_proc(GC_ignore_warn_proc);
#else
# define GC_INIT_CONF_IGNORE_WARN
#endif

#ifdef GC_INITIAL_HEAP_SIZE /* bytes */
# define GC_INIT_CONF_INITIAL_HEAP_SIZE \
    if (GC_get_heap_size() < (size_t)(GC_INITIAL_HEAP_SIZE)) \
      (void)GC_expand_hp((size_t)(GC_INITIAL_HEAP_SIZE) - GC_get_heap_size());
#else
# define GC_INIT_CONF_INITIAL_HEAP_SIZE
#endif

/* A block and not a do-while: old programs write it without a semicolon. */
#define GC_INIT() { \
    GC_INIT_CONF_DONT_EXPAND \
    GC_INIT_CONF_FORCE_UNMAP_ON_GCOLLECT \
    GC_INIT_CONF_DONT_GC \
    GC_INIT_CONF_MAX_RETRIES \
    GC_INIT_CONF_FREE_SPACE_DIVISOR \
    GC_INIT_CONF_FULL_FREQ \
    GC_INIT_CONF_TIME_LIMIT \
    GC_INIT_CONF_ALLOCD_BYTES_PER_FINALIZER \
    GC_INIT_CONF_MARKERS \
    GC_INIT_CONF_SUSPEND_SIGNAL \
    GC_INIT_CONF_THR_RESTART_SIGNAL \
    GC_INIT_CONF_MAXIMUM_HEAP_SIZE \
    GC_init(); \
    GC_INIT_CONF_ROOTS \
    GC_INIT_CONF_IGNORE_WARN \
    GC_INIT_CONF_INITIAL_HEAP_SIZE \
  }

#endif /* GC_CONFIG_MACROS_H */
