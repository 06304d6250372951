/* include/gc_cpp.h: forwarder to gc/gc_cpp.h. SPDX-License-Identifier: MIT */

/* As for gc.h, programs may leave the folder out. */
#include "gc/gc_cpp.h"
