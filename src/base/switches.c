/* src/base/switches.c: the hooks that have setters only. SPDX-License-Identifier: MIT
 */
#include "base/switches.h"

struct gc_hooks gc_hooks = {.bytes_per_finaliser = 10000};
