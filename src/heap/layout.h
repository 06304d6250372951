/* src/heap/layout.h: descriptors: where an object has its pointers.
 * SPDX-License-Identifier: MIT
 *
 * libgc's encoding. The two low bits are a tag:
 *   LENGTH      the rest is a number of bytes from the start: scan them all
 *   BITMAP      bit 63 stands for word 0, bit 62 for word 1, ...
 *   PROC        index of a mark procedure (6 bits), then its environment
 *   PER_OBJECT  displacement, in the object, of the word that is the descriptor;
 *               when negative: word 0 points to a type record that holds it
 */
#ifndef GC_HEAP_LAYOUT_H
#define GC_HEAP_LAYOUT_H

#include "heap/heap.h"

#define DESC_TAG_BITS 2u
#define DESC_TAG_MASK 3u
enum gc_desc_tag { DESC_LENGTH, DESC_BITMAP, DESC_PROC, DESC_PER_OBJECT };

#define DESC_PROC_BITS 6u
#define GC_MAX_MARK_PROCS (1u << DESC_PROC_BITS)
#define DESC_INDIRECT_BIAS 0x10

typedef void *(*gc_mark_proc)(void *object, void *token, void *limit,
                              uint64_t environment);

/* Numbers that libgc's headers reserve and we use. */
enum { PROC_GCJ, PROC_LONG_MAP, PROC_ARRAY };
/* Gives a reserved number its procedure. */
void gc_layout_set_proc(unsigned index, gc_mark_proc proc);
/* Registers a procedure; its index, or GC_MAX_MARK_PROCS when the table is full. */
unsigned gc_layout_new_proc(gc_mark_proc proc);
gc_mark_proc gc_layout_proc(unsigned index);

/* The descriptor that this one names for the object, or itself. */
uint64_t gc_layout_resolve(uint64_t d, const char *object);
/* Descriptor of an object of this kind; per-object ones are looked up. */
uint64_t gc_layout_descriptor(unsigned kind, const char *object, size_t bytes);

#endif
