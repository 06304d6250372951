/* src/compat/gctba.cc: what allocators throw (libgctba and libgccpp).
 * SPDX-License-Identifier: MIT
 */
#include <new>

extern void GC_throw_bad_alloc();

void GC_throw_bad_alloc() { throw std::bad_alloc(); }
