/* src/base/compiler.h: what we ask of the compiler. SPDX-License-Identifier: MIT
 *
 * Attributes and hints only; the one header that may test the compiler.
 */
#ifndef GC_BASE_COMPILER_H
#define GC_BASE_COMPILER_H

#define gc_likely(c) __builtin_expect(!!(c), 1)
#define gc_unlikely(c) __builtin_expect(!!(c), 0)
#define gc_noinline __attribute__((noinline))
#define gc_noreturn __attribute__((noreturn))
#define gc_printf_like(f, a) __attribute__((format(printf, f, a)))
#define gc_inline static inline __attribute__((always_inline, unused))
#define gc_align(n) __attribute__((aligned(n)))
/* Data that hot code reads: reached without the global offset table. */
#define gc_hidden __attribute__((visibility("hidden")))
#define gc_unused __attribute__((unused))

/* Reads memory of unknown content and initialisation: no sanitiser may object. */
#if defined(__clang__)
#define gc_scans_memory                                                        \
  __attribute__((no_sanitize("address", "thread", "memory", "undefined")))
#else
#define gc_scans_memory                                                        \
  __attribute__((no_sanitize_address, no_sanitize_thread,                      \
                 no_sanitize_undefined))
#endif

/* True when this translation unit is compiled for ThreadSanitizer. */
#if defined(__SANITIZE_THREAD__)
#define GC_TSAN_BUILD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GC_TSAN_BUILD 1
#endif
#endif
#ifndef GC_TSAN_BUILD
#define GC_TSAN_BUILD 0
#endif

/* A read hint into all cache levels; never faults, whatever the address. */
#define gc_prefetch(p) __builtin_prefetch((const void *)(p), 0, 3)

/* From here on the compiler knows nothing about the pointer but that it has it: it
 * keeps it in a register or on the stack, where a collection finds it, and cannot
 * compute it anew from something that is no pointer. */
#define gc_hold_pointer(p) __asm__ __volatile__("" : "+r"(p) : : "memory")

#define gc_compiler_barrier() __asm__ __volatile__("" ::: "memory")
#define gc_cpu_relax() __builtin_ia32_pause()

#endif
