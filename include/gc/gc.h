/* include/gc/gc.h: libgc's main interface: memory, collection, roots, threads. SPDX-License-Identifier: MIT */

/* Memory from GC_malloc and its relatives is reclaimed when no scanned word
 * refers to it: words in the stacks and registers of registered threads, in
 * static data and thread-local variables, and in other live pointerful
 * objects.  Any word that could be an address counts as a reference, also to
 * the inside of an object and to the byte after its end.  Memory from the
 * system's malloc is not scanned; GC_malloc_uncollectable is the replacement.
 *
 * Contracts.  Each declaration ends its comment with one of these words and
 * states only what differs.  "Any thread" means any thread that is registered
 * with the collector (the main thread always is).  Nothing here may be called
 * from a signal handler.  Sizes are in bytes.
 *
 *  [alloc]  Any thread that does not own the allocator lock.  Initialises the
 *           collector on first use.  May collect, so may run whatever a
 *           collection runs: event callbacks, mark procedures, disclaim
 *           procedures.  When memory runs out the result is what the
 *           out-of-memory function returns, by default NULL.
 *  [collect]  As [alloc], but it needs no memory and cannot fail.
 *  [manage] Any thread that does not own the allocator lock.  Initialises the
 *           collector.  Neither collects nor calls back.  It may need a little
 *           memory for tables; if the system gives none, the process ends
 *           with a message.
 *  [query]  Any thread, at any time: before initialisation (counters are 0),
 *           in callbacks, with or without the allocator lock.  Needs no
 *           memory, waits for nobody, neither collects nor calls back.
 *  [set]    A setting: as [query].  It may be set before initialisation and
 *           sticks.  A collection that is under way may use the old value.
 *           Where a variable of the same name exists, it is the setting
 *           itself; the functions store to it and load from it.
 *
 * Everything here is present since Reclaim 0.1.0 and follows libgc 8.2.2.
 * What is not declared does not exist yet. */
#ifndef GC_H
#define GC_H

#include "gc_version.h"
#include "gc_config_macros.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types and results ---- */

/* An integer as wide as a pointer. */
typedef unsigned long GC_word;
typedef long GC_signed_word;
typedef void *GC_PTR;

/* A generic callback, and one for an object that is dead (gc_disclaim.h). */
typedef void *(GC_CALLBACK *GC_fn_type)(void * /* data */);
typedef void (GC_CALLBACK *GC_finalization_proc)(void * /* obj */,
                                                 void * /* data */);

/* Results of functions. */
#define GC_SUCCESS 0
#define GC_DUPLICATE 1     /* It was so already. */
#define GC_NO_THREADS 2    /* Threads are not supported. */
#define GC_NO_MEMORY 2     /* Of functions that need memory. */
#define GC_UNIMPLEMENTED 3 /* The platform cannot tell. */
#define GC_NOT_FOUND 4

/* The version of the interface, 0x80202 for 8.2.2.  [query] */
GC_API unsigned GC_CALL GC_get_version(void);

/* ---- Initialisation ---- */

/* Makes the collector ready; again has no effect.  Any thread may be first;
 * the main thread's stack is found all the same.  Reads the environment, sets
 * up the heap and, unless GC_dont_precollect is set, collects once.  Programs
 * call the macro GC_INIT() (gc_config_macros.h), which also applies their
 * compile-time settings.  [collect] */
GC_API void GC_CALL GC_init(void);

/* 1 after initialisation, else 0.  [query] */
GC_API int GC_CALL GC_is_init_called(void);

/* The opposite, for symmetry: afterwards GC_is_init_called is 0 until the next
 * GC_init.  Objects stay as they are.  [query] */
GC_API void GC_CALL GC_deinit(void);

/* Nonzero: no first collection inside GC_init.  Default 0.  [set] */
GC_API int GC_dont_precollect;
GC_API void GC_CALL GC_set_dont_precollect(int);
GC_API int GC_CALL GC_get_dont_precollect(void);

/* ---- Allocation ---- */

/* A zeroed object of at least the given size, aligned to 16, scanned for
 * references.  Size 0 gives a valid object.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc(size_t);

/* The same for an object that never holds references: it is neither scanned
 * nor zeroed.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_atomic(size_t);

/* Zeroed and scanned, and alive until GC_free.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_uncollectable(size_t);

/* Alive until GC_free, neither scanned nor zeroed.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_atomic_uncollectable(size_t);

/* For large objects (100 KB and more): as GC_malloc and GC_malloc_atomic, but
 * the caller promises to keep a reference into the first 256 bytes, so that
 * words that look like addresses further inside need not count.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_ignore_off_page(size_t);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_atomic_ignore_off_page(size_t);

/* Copies of strings as pointer-free objects; GC_strdup(NULL) is NULL, and
 * GC_strndup copies at most n characters and ends them with 0.  On failure
 * they also set errno to ENOMEM.  [alloc] */
GC_API GC_ATTR_MALLOC char *GC_CALL GC_strdup(const char *);
GC_API GC_ATTR_MALLOC char *GC_CALL GC_strndup(const char *, size_t /* n */)
    GC_ATTR_NONNULL(1);
#ifdef GC_REQUIRE_WCSDUP
GC_API GC_ATTR_MALLOC wchar_t *GC_CALL GC_wcsdup(const wchar_t *)
    GC_ATTR_NONNULL(1);
#endif

/* A scanned, zeroed object at a multiple of align, or of 16 where align is less;
 * align need not be a power of two.  Beyond an alignment of 16 the result may lie
 * inside its object: GC_free wants GC_base() of it.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(2) void *GC_CALL
GC_memalign(size_t /* align */, size_t /* bytes */);

/* The same in POSIX form: 0, or EINVAL for an alignment that is no power of
 * two or under sizeof(void *), or ENOMEM; *out is set on success only.
 * [alloc] */
GC_API int GC_CALL GC_posix_memalign(void ** /* out */, size_t /* align */,
                                     size_t /* bytes */) GC_ATTR_NONNULL(1);

/* Several objects as of GC_malloc(bytes) at once, linked through their first
 * word (GC_NEXT), which is 0 in the last; all other words are zero.  An object
 * that is reachable from the list's head is alive.  Large sizes give a list
 * of one.  [alloc] */
GC_API GC_ATTR_MALLOC void *GC_CALL GC_malloc_many(size_t);
#define GC_NEXT(p) (*(void **)(p))

/* Gives the object the new size; the result may be elsewhere, with the old
 * contents up to the smaller size.  The kind stays; what a scanned object
 * gains is zero.  NULL is allocated; size 0 frees and returns NULL.  On
 * failure the old object is untouched.  [alloc] */
GC_API void *GC_CALL GC_realloc(void *, size_t) GC_ATTR_ALLOC_SIZE(2);

/* Frees an object now, given its base; NULL is allowed.  The caller vouches
 * that nobody uses it any more.  No disclaim procedure runs for it.
 * [manage] */
GC_API void GC_CALL GC_free(void *);

/* ---- Questions about addresses ---- */

/* All are O(1).  They look at the block only: an object that is dead but not
 * reclaimed, or a cell never handed out, is answered like any other. */

/* The start of the object that contains the address (the byte after its last
 * usable one included), or NULL when it is not in the heap.  [query] */
GC_API void *GC_CALL GC_base(void *);

/* Nonzero for every address within a block of the heap in use.  [query] */
GC_API int GC_CALL GC_is_heap_ptr(const void *);

/* Size of the object with this base, the spare byte included: at least what
 * was asked for.  [query] */
GC_API size_t GC_CALL GC_size(const void *) GC_ATTR_NONNULL(1);

/* Returns p when p and q lie in the same object (one past its end counts) or
 * when neither is in the heap; otherwise calls GC_same_obj_print_proc, which by
 * default ends the process with a message.  [query] */
GC_API void *GC_CALL GC_same_obj(void * /* p */, void * /* q */);
GC_API void (GC_CALLBACK *GC_same_obj_print_proc)(void *, void *);

/* Returns p unless it lies in the heap and refers to no object (behind the
 * last one of its block); then calls the procedure, as above.  [query] */
GC_API void *GC_CALL GC_is_valid_displacement(void * /* p */);
GC_API void (GC_CALLBACK *GC_is_valid_displacement_print_proc)(void *);

/* Returns p when the collector looks for references there: in an aligned word on the
 * caller's stack, in static data that is a root, or in a scanned object; otherwise calls
 * the procedure, as above.  [manage] */
GC_API void *GC_CALL GC_is_visible(void * /* p */);
GC_API void (GC_CALLBACK *GC_is_visible_print_proc)(void *);

/* *p += n bytes within one object, checked as above; the result is the new
 * value of *p for GC_pre_incr and the old one for GC_post_incr.  [query] */
GC_API void *GC_CALL GC_pre_incr(void **, ptrdiff_t) GC_ATTR_NONNULL(1);
GC_API void *GC_CALL GC_post_incr(void **, ptrdiff_t) GC_ATTR_NONNULL(1);

/* Checked arithmetic where GC_DEBUG is defined, plain otherwise.  The forms with
 * three arguments are always checked, and told the type of x. */
#define GC_PTR_ADD3(x, n, type) ((type)GC_same_obj((x) + (n), (x)))
#define GC_PRE_INCR3(x, n, type) \
  ((type)GC_pre_incr((void **)&(x), \
                     (ptrdiff_t)(n) * (ptrdiff_t)sizeof(*(x))))
#define GC_POST_INCR3(x, n, type) \
  ((type)GC_post_incr((void **)&(x), \
                      (ptrdiff_t)(n) * (ptrdiff_t)sizeof(*(x))))
#if defined(GC_DEBUG) && defined(__GNUC__)
# define GC_PTR_ADD(x, n) GC_PTR_ADD3(x, n, __typeof__(x))
# define GC_PRE_INCR(x, n) GC_PRE_INCR3(x, n, __typeof__(x))
# define GC_POST_INCR(x) GC_POST_INCR3(x, 1, __typeof__(x))
# define GC_POST_DECR(x) GC_POST_INCR3(x, -1, __typeof__(x))
#else
# define GC_PTR_ADD(x, n) ((x) + (n))
# define GC_PRE_INCR(x, n) ((x) += (n))
# define GC_POST_INCR(x) ((x)++)
# define GC_POST_DECR(x) ((x)--)
#endif

/* ---- Which words refer to what ---- */

/* Nonzero (the default): objects have a spare byte, so that an address one
 * past the end of an object still refers to it.  0: they have none.  Interior
 * addresses refer to their object either way.  To be set before the first
 * allocation.  [set] */
GC_API int GC_all_interior_pointers;
GC_API void GC_CALL GC_set_all_interior_pointers(int);
GC_API int GC_CALL GC_get_all_interior_pointers(void);

/* Says that references may point n bytes into an object (tagged pointers).
 * This collector accepts every displacement, so the call only checks that n
 * is below a block's size, and ends the process otherwise.  [manage] */
GC_API void GC_CALL GC_register_displacement(size_t);

/* An address in a form that the collector does not take for a reference. */
typedef GC_word GC_hidden_pointer;
#define GC_HIDE_POINTER(p) (~(GC_hidden_pointer)(p))
#define GC_REVEAL_POINTER(p) ((void *)GC_HIDE_POINTER(p))
#if defined(I_HIDE_POINTERS) || defined(GC_I_HIDE_POINTERS)
# define HIDE_POINTER(p) GC_HIDE_POINTER(p)
# define REVEAL_POINTER(p) GC_REVEAL_POINTER(p)
#endif

/* Uses its argument in a way that no compiler can know or remove.  [query] */
GC_API void GC_CALL GC_noop1(GC_word);

/* Keeps the object alive up to this point, although no later code may use
 * it.  It costs no instruction with GNU compilers. */
#ifdef __GNUC__
# define GC_reachable_here(ptr) \
    __asm__ __volatile__("" : : "X"(ptr) : "memory")
#else
# define GC_reachable_here(ptr) GC_noop1((GC_word)(ptr))
#endif

/* Stores a reference into a heap object, tells the collector that the object
 * changed, and keeps the reference alive until both are done: what code in
 * programs with a manual write barrier uses for every store.  [query] */
GC_API void GC_CALL GC_ptr_store_and_dirty(void * /* slot */,
                                           const void * /* value */);

/* Tells the collector that the object was changed by plain stores.  Every
 * collection of this release reads all live objects with the world stopped,
 * so nothing has to be noted and a store without this call is as good; it
 * orders the preceding stores before later ones.  [query] */
GC_API void GC_CALL GC_end_stubborn_change(const void *) GC_ATTR_NONNULL(1);

/* Stores a reference; where GC_DEBUG is defined the place and the value are
 * checked as above. */
#ifdef GC_DEBUG
# define GC_PTR_STORE(slot, value) \
    (*(void **)GC_is_visible((void *)(slot)) = \
         GC_is_valid_displacement((void *)(value)))
#else
# define GC_PTR_STORE(slot, value) (*(void **)(slot) = (void *)(value))
#endif

/* ---- Collections ---- */

/* Collects now, unless collection is disabled.  Dead objects of disclaim
 * kinds have been notified when it returns.  [collect] */
GC_API void GC_CALL GC_gcollect(void);

/* The same, and gives all empty blocks back to the system.  [collect] */
GC_API void GC_CALL GC_gcollect_and_unmap(void);

/* Collects unless the stop function returns nonzero, which is asked before
 * and during marking.  It runs with the allocator lock held and the world
 * stopped and must not call the collector.  1 when the collection was
 * completed, 0 when it was given up or disabled.  [collect] */
typedef int (GC_CALLBACK *GC_stop_func)(void);
GC_API int GC_CALL GC_try_to_collect(GC_stop_func) GC_ATTR_NONNULL(1);

/* The stop function of collections that allocation starts; by default one
 * that never stops.  [set] */
GC_API void GC_CALL GC_set_stop_func(GC_stop_func) GC_ATTR_NONNULL(1);
GC_API GC_stop_func GC_CALL GC_get_stop_func(void);

/* While disabled there are no collections, not even explicit ones, and the
 * heap grows.  Calls nest: the variable counts them.  [query] */
GC_API int GC_dont_gc;
GC_API void GC_CALL GC_disable(void);
GC_API void GC_CALL GC_enable(void);
GC_API int GC_CALL GC_is_disabled(void);

/* Nonzero: allocation never starts a collection; GC_gcollect does.  [set] */
GC_API void GC_CALL GC_set_disable_automatic_collection(int);
GC_API int GC_CALL GC_get_disable_automatic_collection(void);

/* Collections so far, by the variable also.  [query] */
GC_API GC_word GC_gc_no;
GC_API GC_word GC_CALL GC_get_gc_no(void);

/* Helper threads that marking uses; 0, the value in this release, when the
 * collecting thread marks alone.  The variable is the same.  [query] */
GC_API int GC_parallel;
GC_API int GC_CALL GC_get_parallel(void);

/* Wishes for a number of such threads; again, after fork, in the child.  As in
 * libgc without parallel marking there are none to be had or started.  [set] */
GC_API void GC_CALL GC_set_markers_count(unsigned);
GC_API void GC_CALL GC_start_mark_threads(void);

/* Nonzero: the program frees by hand.  Collections report on standard error
 * what was lost, then reclaim it; when set before initialisation, one more
 * collection does at exit.  Default 0.  [set] */
GC_API int GC_find_leak;
GC_API void GC_CALL GC_set_find_leak(int);
GC_API int GC_CALL GC_get_find_leak(void);

/* Does a part of the work that a collection left, such as calling disclaim
 * procedures; 1 when there is more of it, else 0.  [collect] */
GC_API int GC_CALL GC_collect_a_little(void);

/* The points of a collection, in the order START, PRE_STOP_WORLD,
 * POST_STOP_WORLD, MARK_START, MARK_END, PRE_START_WORLD, POST_START_WORLD,
 * RECLAIM_START, RECLAIM_END, END. */
typedef enum {
  GC_EVENT_START = 0,
  GC_EVENT_MARK_START = 1,
  GC_EVENT_MARK_END = 2,
  GC_EVENT_RECLAIM_START = 3,
  GC_EVENT_RECLAIM_END = 4,
  GC_EVENT_END = 5,
  GC_EVENT_PRE_STOP_WORLD = 6,
  GC_EVENT_POST_STOP_WORLD = 7,
  GC_EVENT_PRE_START_WORLD = 8,
  GC_EVENT_POST_START_WORLD = 9,
  GC_EVENT_THREAD_SUSPENDED = 10,
  GC_EVENT_THREAD_UNSUSPENDED = 11
} GC_EventType;

/* Called at each point by the collecting thread, which holds the allocator
 * lock; between stop and start of the world all other threads stand still.
 * It must not allocate.  NULL for none.  [set] */
typedef void (GC_CALLBACK *GC_on_collection_event_proc)(GC_EventType);
GC_API void GC_CALL GC_set_on_collection_event(GC_on_collection_event_proc);
GC_API GC_on_collection_event_proc GC_CALL GC_get_on_collection_event(void);

/* The same for each thread that is suspended and let go; the second argument
 * is its pthread_t, cast.  [set] */
typedef void (GC_CALLBACK *GC_on_thread_event_proc)(GC_EventType,
                                                    void * /* thread */);
GC_API void GC_CALL GC_set_on_thread_event(GC_on_thread_event_proc);
GC_API GC_on_thread_event_proc GC_CALL GC_get_on_thread_event(void);

/* ---- Size of the heap ---- */

/* Grows the heap by at least that much now, so that later allocation need
 * not collect for it.  Address space only: pages become resident when they
 * are used.  1, or 0 when the limit or the system forbids it.  [manage] */
GC_API int GC_CALL GC_expand_hp(size_t);

/* Limit of the heap; 0 for none.  Allocation beyond it collects and then runs
 * out of memory.  [set] */
GC_API void GC_CALL GC_set_max_heap_size(GC_word);

/* Called with the new heap size after the heap grew, by the thread that caused
 * it, perhaps with the allocator lock held: it must not call the collector.
 * NULL for none.  [set] */
typedef void (GC_CALLBACK *GC_on_heap_resize_proc)(GC_word);
GC_API GC_on_heap_resize_proc GC_on_heap_resize;
GC_API void GC_CALL GC_set_on_heap_resize(GC_on_heap_resize_proc);
GC_API GC_on_heap_resize_proc GC_CALL GC_get_on_heap_resize(void);

/* Nonzero: collect before growing whenever something was allocated since the
 * last collection; grow only when that does not help.  Default 0.  [set] */
GC_API int GC_dont_expand;
GC_API void GC_CALL GC_set_dont_expand(int);
GC_API int GC_CALL GC_get_dont_expand(void);

/* Nonzero: as long as there are free blocks, no collection comes, however much
 * was allocated.  Default 0.  [set] */
GC_API int GC_use_entire_heap;

/* Nonzero: memory taken from the system from now on may hold code.  To be set
 * before initialisation.  Default 0.  [set] */
GC_API void GC_CALL GC_set_pages_executable(int);
GC_API int GC_CALL GC_get_pages_executable(void);

/* A collection comes when about live/divisor bytes were allocated; more means
 * less memory and more collections.  Default 3.  0 is refused.  [set] */
GC_API GC_word GC_free_space_divisor;
GC_API void GC_CALL GC_set_free_space_divisor(GC_word);
GC_API GC_word GC_CALL GC_get_free_space_divisor(void);

/* Never collect before this many bytes were allocated since the last
 * collection; 1 by default, for which 0 stands as well.  [set] */
GC_API void GC_CALL GC_set_min_bytes_allocd(size_t);
GC_API size_t GC_CALL GC_get_min_bytes_allocd(void);

/* Bytes of the heap that the client frees by itself.  What this grew by since
 * the last collection does not count as allocated when the next one is decided
 * on, except that an eighth of all allocation always counts.  [set] */
GC_API GC_word GC_non_gc_bytes;
GC_API void GC_CALL GC_set_non_gc_bytes(GC_word);
GC_API GC_word GC_CALL GC_get_non_gc_bytes(void);

/* How often an allocation that found no memory collects and tries again
 * before it runs out of memory.  Default 0.  [set] */
GC_API GC_word GC_max_retries;
GC_API void GC_CALL GC_set_max_retries(GC_word);
GC_API GC_word GC_CALL GC_get_max_retries(void);

/* Nonzero: GC_gcollect gives empty blocks back too.  Default 0.  [set] */
GC_API void GC_CALL GC_set_force_unmap_on_gcollect(int);
GC_API int GC_CALL GC_get_force_unmap_on_gcollect(void);

/* ---- Trouble ---- */

/* Called with the request when no memory can be had; the allocation returns
 * its result.  It runs without any lock and may collect, free, allocate or
 * leave by longjmp.  The default one returns NULL.  [set] */
typedef void *(GC_CALLBACK *GC_oom_func)(size_t /* bytes */);
GC_API GC_oom_func GC_oom_fn;
GC_API void GC_CALL GC_set_oom_fn(GC_oom_func) GC_ATTR_NONNULL(1);
GC_API GC_oom_func GC_CALL GC_get_oom_fn(void);

/* Called with a printf format for one word and the word, ended by a newline.
 * The lock may be held: it must not allocate.  The default one writes to
 * standard error; GC_ignore_warn_proc drops the text.  [set] */
typedef void (GC_CALLBACK *GC_warn_proc)(char *, GC_word);
GC_API void GC_CALL GC_set_warn_proc(GC_warn_proc) GC_ATTR_NONNULL(1);
GC_API GC_warn_proc GC_CALL GC_get_warn_proc(void);
GC_API void GC_CALLBACK GC_ignore_warn_proc(char *, GC_word);

/* Messages of the collector go to this file descriptor, not to standard error.
 * [set] */
GC_API void GC_CALL GC_set_log_fd(int);

/* Called with a message before the process is aborted; the default one writes
 * it.  NULL stands for no message.  [set] */
typedef void (GC_CALLBACK *GC_abort_func)(const char *);
GC_API void GC_CALL GC_set_abort_func(GC_abort_func) GC_ATTR_NONNULL(1);
GC_API GC_abort_func GC_CALL GC_get_abort_func(void);

/* Ends the process because memory ran out: prints so, calls the abort function
 * with NULL, then exit(1).  Any thread that could call exit. */
GC_API void GC_CALL GC_abort_on_oom(void);

/* ---- Statistics ---- */

/* The heap without what was given back to the system; the free part of it;
 * the part given back; allocated since the last collection; freed explicitly
 * since then; allocated since the start; all memory from the system, tables
 * included.  [query] */
GC_API size_t GC_CALL GC_get_heap_size(void);
GC_API size_t GC_CALL GC_get_free_bytes(void);
GC_API size_t GC_CALL GC_get_unmapped_bytes(void);
GC_API size_t GC_CALL GC_get_bytes_since_gc(void);
GC_API size_t GC_CALL GC_get_expl_freed_bytes_since_gc(void);
GC_API size_t GC_CALL GC_get_total_bytes(void);
GC_API size_t GC_CALL GC_get_obtained_from_os_bytes(void);

/* Bytes in the blocks that hold objects, used or not.  [query] */
GC_API size_t GC_CALL GC_get_memory_use(void);

/* The five first named figures, taken together; NULL for one not wanted.
 * [manage] */
GC_API void GC_CALL GC_get_heap_usage_safe(
    GC_word * /* heap_size */, GC_word * /* free_bytes */,
    GC_word * /* unmapped_bytes */, GC_word * /* bytes_since_gc */,
    GC_word * /* total_bytes */);

struct GC_prof_stats_s {
  GC_word heapsize_full;      /* with the part given back */
  GC_word free_bytes_full;    /* with the part given back */
  GC_word unmapped_bytes;
  GC_word bytes_allocd_since_gc;
  GC_word allocd_bytes_before_gc;
  GC_word non_gc_bytes;       /* client's setting */
  GC_word gc_no;
  GC_word markers_m1;         /* helper threads of marking */
  GC_word bytes_reclaimed_since_gc;
  GC_word reclaimed_bytes_before_gc;
  GC_word expl_freed_bytes_since_gc;
  GC_word obtained_from_os_bytes;
};

/* Fills the first size bytes of the structure, which may be older or newer
 * than this one: fields unknown here become all ones.  Returns the bytes that
 * were known.  The second form takes no lock, for callbacks that hold it; its
 * figures need not belong together.  [manage], [query] */
GC_API size_t GC_CALL GC_get_prof_stats(struct GC_prof_stats_s *,
                                        size_t /* size */);
GC_API size_t GC_CALL GC_get_prof_stats_unsafe(struct GC_prof_stats_s *,
                                               size_t /* size */);

/* The size of the object that GC_malloc gives for a request of i bytes; 0 when
 * it is not settled yet, (size_t)-1 when i is negative or no small size.
 * [query] */
GC_API size_t GC_CALL GC_get_size_map_at(int /* i */);

/* Starts to add up the time of collections, in milliseconds.  [query] */
GC_API void GC_CALL GC_start_performance_measurement(void);
GC_API unsigned long GC_CALL GC_get_full_gc_total_time(void);

/* Prints figures of the heap and of each kind; the same with a name for it; the
 * blocks of the heap in order.  All to standard output, for people.
 * [manage] */
GC_API void GC_CALL GC_dump(void);
GC_API void GC_CALL GC_dump_named(const char *);
GC_API void GC_CALL GC_dump_regions(void);

/* ---- Roots ---- */

/* The range [low, high) is scanned by every collection.  Ranges may overlap
 * and repeat.  Data of the program and of loaded libraries is found by
 * itself.  [manage] */
GC_API void GC_CALL GC_add_roots(void * /* low */, void * /* high */);

/* No added range that lies inside [low, high) is scanned any more.  Of one
 * that lies there in part the rest stays; libgc keeps the whole.  [manage] */
GC_API void GC_CALL GC_remove_roots(void * /* low */, void * /* high */);

/* Forgets every range added so far.  Stacks, registers and, unless GC_no_dls
 * is set, the data of the program and its libraries stay roots.  [manage] */
GC_API void GC_CALL GC_clear_roots(void);

/* This range is not scanned as static data; and the list is emptied.
 * [manage] */
GC_API void GC_CALL GC_exclude_static_roots(void * /* low */,
                                            void * /* high */);
GC_API void GC_CALL GC_clear_exclusion_table(void);

/* Nonzero: data of dynamic libraries is not scanned; portable programs that
 * set it add the program's own data, too, by GC_add_roots.  Default 0.
 * [set] */
GC_API int GC_no_dls;
GC_API void GC_CALL GC_set_no_dls(int);
GC_API int GC_CALL GC_get_no_dls(void);

/* Asked for each data segment of a library, with the lock held: 0 leaves it
 * out.  It must not call the collector.  NULL for none.  [set] */
typedef int (GC_CALLBACK *GC_has_static_roots_func)(
    const char * /* path */, void * /* start */, size_t /* bytes */);
GC_API void GC_CALL
GC_register_has_static_roots_callback(GC_has_static_roots_func);

/* The cold end of the stack of the main thread, or of the thread that runs in
 * its place: programs with fibres move it.  Read by each collection. */
GC_API char *GC_stackbottom;

/* ---- The allocator lock ---- */

/* No collection starts while a thread holds the lock, so hidden pointers may
 * be revealed under it.  The lock is not recursive.  Its holder may use
 * [query] and [set] functions only.  Any thread. */
GC_API void GC_CALL GC_alloc_lock(void);
GC_API void GC_CALL GC_alloc_unlock(void);

/* fn(data) with the lock held; returns its result.  Any thread. */
GC_API void *GC_CALL GC_call_with_alloc_lock(GC_fn_type /* fn */,
                                             void * /* data */)
    GC_ATTR_NONNULL(1);

/* ---- Threads ---- */

/* A thread is known by GC_pthread_create (gc_pthread_redirects.h) or by
 * registering itself.  A thread that is not known must not hold the only
 * reference to an object, nor call the collector.  Registered threads are
 * stopped by a signal, which they must not block. */

/* Where a stack begins: its cold, on this machine highest, end. */
struct GC_stack_base {
  void *mem_base;
};

/* To be called once before the first GC_register_my_thread.  [manage] */
GC_API void GC_CALL GC_allow_register_threads(void);

/* Makes the calling thread known, with the stack that it is told of, or, where that
 * is NULL, the one that the system knows.  GC_SUCCESS, or GC_DUPLICATE when it was
 * (the main thread is).  [manage], for unregistered threads too. */
GC_API int GC_CALL GC_register_my_thread(const struct GC_stack_base *);

/* The calling thread is no longer known; it must not use objects any more.
 * GC_SUCCESS, or GC_NOT_FOUND when it was not known.  [manage] */
GC_API int GC_CALL GC_unregister_my_thread(void);

/* 1 when the calling thread is known, else 0.  [query], any thread. */
GC_API int GC_CALL GC_thread_is_registered(void);

/* The base of the calling thread's stack: GC_SUCCESS, or GC_UNIMPLEMENTED
 * when it cannot be found.  [query], for unregistered threads too. */
GC_API int GC_CALL GC_get_stack_base(struct GC_stack_base *)
    GC_ATTR_NONNULL(1);

/* fn(base, data) with a base that covers fn's frame, for threads whose stack
 * has no better one.  Any thread. */
typedef void *(GC_CALLBACK *GC_stack_base_func)(struct GC_stack_base *,
                                                void * /* data */);
GC_API void *GC_CALL GC_call_with_stack_base(GC_stack_base_func /* fn */,
                                             void * /* data */)
    GC_ATTR_NONNULL(1);

/* The base that the collector uses for the calling thread; returns its thread
 * handle.  [manage] */
GC_API void *GC_CALL GC_get_my_stackbottom(struct GC_stack_base *)
    GC_ATTR_NONNULL(1);

/* Changes the base for a thread, by its handle or NULL for the calling one:
 * for coroutines, under the allocator lock or by the thread itself before it
 * switches.  [query] */
GC_API void GC_CALL GC_set_stackbottom(void * /* handle */,
                                       const struct GC_stack_base *)
    GC_ATTR_NONNULL(2);

/* fn(data) for code that may block for long.  Collections do not wait for the
 * thread meanwhile and scan its stack up to this call only, so fn must not
 * touch objects nor call the collector, except inside GC_call_with_gc_active,
 * which undoes it for the time of another call.  They nest.  Any thread; the
 * return waits for a collection under way. */
GC_API void *GC_CALL GC_do_blocking(GC_fn_type /* fn */, void * /* data */)
    GC_ATTR_NONNULL(1);
GC_API void *GC_CALL GC_call_with_gc_active(GC_fn_type /* fn */,
                                            void * /* data */)
    GC_ATTR_NONNULL(1);

/* The signals that belong to the collector, SIGPWR and SIGXCPU by default.
 * The first one stops threads.  They go on without a signal; the second one is
 * never sent, only kept free, as programs written for libgc expect, and
 * GC_pthread_sigmask blocks neither.  To be changed before initialisation
 * only.  [set] */
GC_API void GC_CALL GC_set_suspend_signal(int);
GC_API int GC_CALL GC_get_suspend_signal(void);
GC_API void GC_CALL GC_set_thr_restart_signal(int);
GC_API int GC_CALL GC_get_thr_restart_signal(void);

/* Tells the bounds of the calling thread's stack and of its alternate signal
 * stack, each by its lowest address and size; 0 bytes for none.  This collector
 * finds both when it stops the thread, so nothing is kept.  [query] */
GC_API void GC_CALL GC_register_altstack(void * /* stack */, GC_word,
                                         void * /* altstack */, GC_word);

/* Stops all other known threads, and lets them go.  In between the caller owns
 * the allocator lock and must not wait for what a stopped thread may own, such
 * as the lock of the system's malloc.  [manage] */
GC_API void GC_CALL GC_stop_world_external(void);
GC_API void GC_CALL GC_start_world_external(void);

/* ---- Fork ---- */

/* Before initialisation: 1, the default, installs handlers with
 * pthread_atfork, so that the child can go on allocating; 0 does nothing; -1
 * leaves it to the program, which then calls the next three around fork().
 * (With libgc the default is 0.)  [set] */
GC_API void GC_CALL GC_set_handle_fork(int);

/* Before fork() in the parent; after it in the parent; after it in the child,
 * or the second one when fork() failed.  Between them the calling thread must
 * not use the collector.  Any thread without the allocator lock. */
GC_API void GC_CALL GC_atfork_prepare(void);
GC_API void GC_CALL GC_atfork_parent(void);
GC_API void GC_CALL GC_atfork_child(void);

#ifdef __cplusplus
}
#endif

#include "gc_finalize.h"
#include "gc_incremental.h"
#include "gc_debug.h"

#ifdef GC_PTHREADS
# include "gc_pthread_redirects.h"
#endif

#endif /* GC_H */
