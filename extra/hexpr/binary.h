/* extra/hexpr/binary.h: the binary format of expressions. SPDX-License-Identifier: MIT */
/* A file is the magic bytes, the version, records, and a checksum. Numbers are
 * unsigned, seven bits a byte from the low end, the top bit meaning that more
 * follow; signed ones are zigzag coded. A record is its tag and then:
 *   END      number of roots, each as the place of its node; the last record
 *   NAME     bytes: the next name of a function
 *   OPERATOR bytes, arity (signed), flags: the next operator of the program
 * and the nodes, which are numbered in the order of the file:
 *   INT signed; REAL 8 bytes; SYM, STR, BLOB bytes; BVAR index
 *   BIG, RAT  0 or 1 for the sign; bytes of the magnitude, of the denominator
 *   UNARY, BINARY  number of the built-in operator, operands
 *   APPLY, TERM    place of the name or operator, count, operands
 * where bytes are a count and the bytes, low end first for numbers, and an
 * operand is how many nodes back it stands, 1 for the node before. So operands
 * come before what they are operands of, and a reader keeps no open brackets.
 * The checksum is 64 bits of FNV-1a over all bytes before it, low end first; it
 * finds accidents, not malice. Numbers of built-in operators and tags never
 * change within a version. */
#ifndef HEXPR_BINARY_H
#define HEXPR_BINARY_H

#include <stdint.h>

#define BIN_MAGIC "\211EXPR\r\n"

enum { BIN_MAGIC_BYTES = 7, BIN_VERSION = 1 };

enum bin_tag {
  BIN_END,
  BIN_NAME,
  BIN_OPERATOR,
  BIN_INT,
  BIN_REAL,
  BIN_BIG,
  BIN_RAT,
  BIN_SYM,
  BIN_STR,
  BIN_BLOB,
  BIN_BVAR,
  BIN_UNARY,
  BIN_BINARY,
  BIN_APPLY,
  BIN_TERM
};

enum { BIN_HIGH_BIT = 128 };

#define BIN_SUM_START UINT64_C(14695981039346656037)

static inline uint64_t bin_sum(uint64_t sum, unsigned char byte) {
  return (sum ^ byte) * UINT64_C(1099511628211);
}

#endif
