/* src/plat/plat.h: all that the collector asks of Linux and the libc.
 * SPDX-License-Identifier: MIT
 *
 * Everything above this layer includes this header, self.h and lock.h and no
 * system header at all. No function here calls malloc or stdio, except where
 * noted; those marked [signal] are async-signal-safe. All preserve errno.
 */
#ifndef GC_PLAT_PLAT_H
#define GC_PLAT_PLAT_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/config.h"

/* ---- Memory ---- */

/* Reserves address space: no access, no commit charge. Null when refused.
 * `hint` may be null; it is not forced. */
void *gc_plat_reserve(void *hint, size_t bytes);
/* Reserves exactly [addr, addr+bytes), never over an existing mapping. */
bool gc_plat_reserve_at(void *addr, size_t bytes);
/* Makes reserved pages readable and writable, zero-filled; false when the
 * system refuses (overcommit, limits). Idempotent. */
bool gc_plat_commit(void *addr, size_t bytes);
/* What is committed from now on may be executed, or may not. */
void gc_plat_set_executable(bool on);
bool gc_plat_is_executable(void);
/* Asks for committed pages at once, which is cheaper than a fault for each. A hint:
 * what fails here comes by faults. */
void gc_plat_populate(void *addr, size_t bytes);
/* Gives the pages back; they stay accessible and read as zero afterwards. */
void gc_plat_discard(void *addr, size_t bytes);
/* Undoes a reservation. */
void gc_plat_release(void *addr, size_t bytes);
/* Bytes of address space that RLIMIT_AS leaves us; SIZE_MAX when unlimited. */
size_t gc_plat_address_space_left(void);
size_t gc_plat_page_bytes(void);
/* The readable mapping that holds p: one line of the kernel's table, or several
 * that touch one another. False when there is none or the table cannot be
 * read. [signal] */
bool gc_plat_mapping_of(const char *p, char **out_lo, char **out_hi);
/* From getrandom, or from the clock and addresses when that is refused. */
uint64_t gc_plat_random(void);
/* Fault injection: every n-th commit or reserve fails from now on; 0: none. */
void gc_plat_fail_every(unsigned n);

/* ---- Processors, clock, text ---- */

unsigned gc_plat_cpus(void);   /* usable by this process (affinity) */
uint64_t gc_plat_now_ns(void); /* monotonic [signal] */
uint64_t gc_plat_cpu_ns(void); /* CPU time of the process */
void gc_plat_write_text(int fd, const char *text, size_t len); /* [signal] */
const char *gc_plat_getenv(const char *name); /* null in setuid programs */
/* Creates or empties the file, or writes behind what is in it; -1 on failure. */
int gc_plat_open_file(const char *path, bool append, int *out_errno);
void gc_plat_close_file(int fd);
/* printf-like: "Reclaim: ..." to the message sink, no malloc. [signal] */
void gc_plat_message(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
gc_noreturn void gc_plat_abort(void);

/* ---- Calls ---- */

/* Calls of a trace at most. */
#define GC_TRACE_MAX 16u
/* Once, before the others: may load a library, which may call malloc. */
void gc_plat_trace_start(void);
/* The calls that led here, innermost first and at most `max`, by return addresses;
 * calls of the collector's own are left out if it is an image of its own. Returns how
 * many. No lock is held: the C library may take the loader's. */
unsigned gc_plat_trace(const void **frames, unsigned max);
/* A message for each up to a null one, with the names that the loader knows; no lock is
 * held, and the world runs. */
void gc_plat_say_trace(const void *const *frames, unsigned n);

/* ---- Futex [signal] ---- */

/* Returns when woken, when *word != expected, on a signal, or after timeout_ns
 * (0: none). The caller always re-checks. False: the time ran out. */
bool gc_plat_futex_wait(_Atomic uint32_t *word, uint32_t expected,
                        uint64_t timeout_ns);
void gc_plat_futex_wake(_Atomic uint32_t *word, int count); /* -1: all */

/* ---- Threads ---- */

/* The libc's word that no other thread exists; false when it does not say. */
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
gc_inline bool gc_plat_single_threaded(void) { return __libc_single_threaded; }
#else
gc_inline bool gc_plat_single_threaded(void) { return false; }
#endif

/* Low end of the calling thread's static TLS, which ends at the thread pointer;
 * it covers images that reserve a part of it later. Null when the libc does not
 * say how large it is. */
char *gc_plat_static_tls_low(void);
int gc_plat_pid(void); /* the main thread's number, too [signal] */
int gc_plat_tid(void); /* [signal] */
void *
gc_plat_thread_pointer(void); /* TLS base of the calling thread [signal] */
/* Stack of the calling thread: low end (lowest usable address, best effort) and
 * cold end. The main thread's cold end comes without parsing /proc. */
bool gc_plat_stack_bounds(char **out_low, char **out_cold);
bool gc_plat_is_main_thread(void);
/* The main thread's, from any thread. */
void gc_plat_main_stack_bounds(char **out_low, char **out_cold);
char *gc_plat_main_stack_cold_end(void);
/* Whether a thread of this process has ended, although its number may still
 * take signals. */
bool gc_plat_thread_has_ended(int tid);
/* The C library's name of the calling thread. [signal] */
uint64_t gc_plat_pthread_id(void);
/* Sends a signal to one thread of this process: 0, or an errno value. */
int gc_plat_signal_thread(int tid, int signo);
/* Whether that value says that the thread does not exist. */
bool gc_plat_is_no_such_thread(int error);
/* Installs `handler` for signo with all other signals blocked during it,
 * SA_RESTART, no alternate stack. The handler gets the interrupted context. */
void gc_plat_install_handler(int signo,
                             void (*handler)(int signo, void *context));
/* Unblocks signo in the calling thread. */
void gc_plat_unblock_signal(int signo);
int gc_plat_signal_suspend_default(void); /* SIGPWR */
int gc_plat_signal_restart_default(void); /* SIGXCPU */
void gc_plat_yield(void);

/* Current alternate signal stack if the calling thread runs on it: true, and
 * its bounds. [signal] */
bool gc_plat_on_altstack(char **out_low, char **out_high);
/* On an alternate stack: the stack pointer of the code that the outermost
 * signal frame on that stack interrupted (it lies in the normal stack
 * [low, cold)), or null when no frame is recognised. [signal] */
char *gc_plat_altstack_interrupted_sp(char *alt_low, char *alt_high, char *low,
                                      char *cold);

/* The fake stack of the calling thread, or null where AddressSanitizer uses
 * none. [signal] */
void *gc_plat_fake_stack(void);
/* If `p` is in a used frame of that fake stack: true, and the frame's bounds.
 * Any thread, while the owner stands still. */
bool gc_plat_fake_frame_of(void *fake_stack, void *p, char **out_low,
                           char **out_high);

/* Spills all callee-saved registers into memory of its own frame and calls
 * fn(arg, sp), where [sp, ...) covers the spilled registers and the red zone of
 * the caller. */
void gc_plat_with_registers(void (*fn)(void *arg, char *sp), void *arg);
/* Clears the stack below the caller's frame and the vector registers. Addresses that
 * finished calls left there would else be found when the thread sleeps afterwards: in
 * frames that do not fill themselves, and where a signal puts those registers. */
void gc_plat_scrub_stack(void);
/* f(bytes, kind), and then the 512 bytes of stack below the return address are cleared:
 * what f and those that it called left there. Saves none of the caller's registers. */
void *gc_plat_without_traces(void *(*f)(size_t, unsigned), size_t bytes,
                             unsigned kind);

/* A destructor that runs when the calling thread ends, late: it re-arms itself
 * so that it runs in the last round of thread-specific destructors. */
bool gc_plat_on_thread_exit(void (*fn)(void));

/* A new detached thread with all signals blocked. `ended` runs in it when it ends,
 * in whatever way. The plan must stay until `run` is called. False: no thread is to
 * be had. The C library may call malloc. */
struct gc_thread_plan {
  void (*run)(void *arg);
  void (*ended)(void *arg);
  void *arg;
};
bool gc_plat_thread_start(struct gc_thread_plan *plan);

/* ---- Leaving a client's function ---- */

enum gc_plat_end {
  END_RETURNED,
  END_ESCAPED,  /* by gc_plat_escape, in the same thread */
  END_EXCEPTION /* which has been destroyed */
};
/* Runs fn(arg) and says how it ended. An end of the thread goes through, as does an
 * exception when the frames in between have no tables for it. Does not nest. */
enum gc_plat_end gc_plat_catch(void (*fn)(void *arg), void *arg);
gc_noreturn void gc_plat_escape(void);
/* Runs fn(arg); an exception that would leave it ends the process with a message.
 * Costs a call. */
void gc_plat_call_refusing(void (*fn)(void *arg), void *arg);

/* pthread_atfork. */
bool gc_plat_at_fork(void (*prepare)(void), void (*parent)(void),
                     void (*child)(void));
/* Runs at normal process exit. */
void gc_plat_at_exit(void (*fn)(void));

/* ---- Loaded images ---- */

struct gc_image_segment {
  char *lo, *hi;    /* writable; what the loader protected later is taken out */
  const char *name; /* of the image; "" for the program */
  bool is_own;      /* of the collector's image, when that is not the program */
  bool is_program;
};
struct gc_image_tls {
  char *lo, *hi;  /* the calling thread's block of one image; null: none yet */
  bool is_static; /* at the same distance from every thread's pointer */
  size_t module, bytes; /* the loader's number, the size of a block */
};
/* Number that changes whenever an image was loaded or unloaded. May take the
 * loader's lock: never call it with the world stopped. */
uint64_t gc_plat_images_generation(void);
/* Calls fn once while nobody can change the list of images, with the same
 * number. A stop that begins inside fn finds no thread in the middle of a
 * change; the list then stays as it is until the restart. */
void gc_plat_with_images_locked(void (*fn)(uint64_t generation, void *cx),
                                void *cx);
/* Calls back for each writable segment and for each TLS block of the calling
 * thread (either may be null). Takes the loader's lock. The callbacks must not
 * load images. */
void gc_plat_each_image(void (*segment)(const struct gc_image_segment *,
                                        void *),
                        void (*tls)(const struct gc_image_tls *, void *),
                        void *cx);
/* Another thread's block of a module, while it stands still; null if it has none yet.
 * In the middle of a change of its vector of blocks the answer may be any memory of
 * that size that can be read, beside a block that is there. */
char *gc_plat_tls_block_of(const void *thread_pointer, size_t module,
                           size_t bytes);

#endif
