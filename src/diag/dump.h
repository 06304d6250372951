/* src/diag/dump.h: the heap as text; all its objects. SPDX-License-Identifier: MIT
 */
#ifndef GC_DIAG_DUMP_H
#define GC_DIAG_DUMP_H

#include "base/compiler.h"
#include "base/config.h"

/* To standard output; short lines. */
gc_printf_like(1, 2) void gc_dump_say(const char *format, ...);

/* To standard output, under the api lock, without collecting: figures and kinds, with
 * the name if there is one; runs of blocks. */
void gc_dump_all(const char *name);
void gc_dump_regions(void);
/* Free slots of objects of so many bytes. */
void gc_dump_free(unsigned kind, size_t bytes);

/* Links and objects with finalisers, with their numbers. */
void gc_dump_finals(void);

/* Runs f for each object that is allocated and no notifier waits for. The api lock is
 * taken (its owner may hold it already), and the list of threads is locked, while
 * the world runs. */
void gc_each_object(void (*f)(void *object, size_t bytes, void *cx), void *cx);

#endif
