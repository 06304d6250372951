/* src/compat/gcx_backend_h.c: gcx/backend.h. SPDX-License-Identifier: MIT */
#include "compat/compat.h"

#include <gcx/backend.h>

/* Everything that the header names; adapters to other collectors have less. */
unsigned gcx_backend_caps(void) { return GCX_CAP_ALL; }
