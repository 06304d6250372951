/* tests/api/rootlib.h: interface of the library that the root tests load. SPDX-License-Identifier: MIT */

#ifndef TESTS_API_ROOTLIB_H
#define TESTS_API_ROOTLIB_H

enum { ROOTLIB_SLOTS = 500, ROOTLIB_TLS_SLOTS = 20 };

/* Arrays of ROOTLIB_SLOTS and ROOTLIB_TLS_SLOTS elements. */
void **rootlib_bss(void);
void **rootlib_data(void);
void **rootlib_tls(void);

#endif
