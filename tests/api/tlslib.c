/* tests/api/tlslib.c: library whose thread-local data is made when it is used. SPDX-License-Identifier: MIT */

/*
 * The thread-local slots use the dynamic model, so that a thread's block lies in
 * memory of malloc. The library knows nothing of the collector.
 */
#include "api/tlslib.h"

static __thread void *slots[TLSLIB_SLOTS]
    __attribute__((tls_model("global-dynamic")));

void **tlslib_slots(void) { return slots; }
