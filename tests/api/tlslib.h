/* tests/api/tlslib.h: interface of the library that the test of thread-local data loads.
 * SPDX-License-Identifier: MIT */

#ifndef TESTS_API_TLSLIB_H
#define TESTS_API_TLSLIB_H

enum { TLSLIB_SLOTS = 100 };

/* An array of TLSLIB_SLOTS elements, the calling thread's own. */
void **tlslib_slots(void);

#endif
