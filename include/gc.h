/* include/gc.h: forwarder to gc/gc.h. SPDX-License-Identifier: MIT */

/* Programs include either <gc.h> or <gc/gc.h>; both names have always been
 * installed.  The quoted form finds the folder beside this file whatever
 * the search path is. */
#include "gc/gc.h"
