/* tests/api/rootlib.c: small library whose data holds references, for dlopen. SPDX-License-Identifier: MIT */

/*
 * Loaded and unloaded by the tests of roots. It knows nothing of the collector.
 * The thread-local slots use the static model, so that they lie in the block
 * that the loader keeps beside each thread.
 */
#include "api/rootlib.h"

static void *slots[ROOTLIB_SLOTS];
static void *filled[ROOTLIB_SLOTS] = {&slots[0]};
static __thread void *tls_slots[ROOTLIB_TLS_SLOTS]
    __attribute__((tls_model("initial-exec")));

void **rootlib_bss(void) { return slots; }

void **rootlib_data(void) { return filled; }

void **rootlib_tls(void) { return tls_slots; }
