/* src/alloc/typed.h: objects with a descriptor of their own. SPDX-License-Identifier: MIT
 */
#ifndef GC_ALLOC_TYPED_H
#define GC_ALLOC_TYPED_H

#include "base/config.h"

/* A zeroed object with this descriptor, which is in its last word. */
void *gc_typed_alloc(size_t bytes, uint64_t descriptor, bool ignore_off_page);
/* Count elements of so many bytes, each with this descriptor. */
void *gc_typed_alloc_array(size_t count, size_t bytes, uint64_t descriptor);

/* A kind whose objects refer by their first word to a record, which has the
 * descriptor at this offset; 0: no memory. */
unsigned gc_typed_record_kind(size_t offset);
/* An object of such a kind with this record. */
void *gc_typed_alloc_record(size_t bytes, unsigned kind, void *record,
                            bool ignore_off_page);

#endif
