/* extra/hexpr/atom.c: exact numbers, symbols, strings and blobs. SPDX-License-Identifier: MIT */
/* See node.h for the layout of keys. */
#include "hexpr/atom.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(mp_limb_t) == sizeof(uintptr_t) && GMP_NAIL_BITS == 0,
               "limbs and words of a key are alike");

/* ---- Looking at numbers ---- */

/* Read-only views of a number in a node; SPACE holds the limb of a small one.
 */
struct view {
  mpq_t q;
  mp_limb_t space;
  mp_limb_t one;
};

static void view(struct view *v, ex e) {
  const mp_limb_t *limb = (const mp_limb_t *)hc_key(e) + 1;
  int64_t head = (int64_t)hc_key(e)[0];
  mp_size_t top = (mp_size_t)(head < 0 ? -head : head);
  v->one = 1;
  mpz_roinit_n(mpq_denref(v->q), &v->one, 1);
  if (kind_of(e) == EX_INT) {
    v->space = head < 0 ? 0 - (mp_limb_t)head : (mp_limb_t)head;
    mpz_roinit_n(mpq_numref(v->q), &v->space, head < 0 ? -1 : 1);
    return;
  }
  mpz_roinit_n(mpq_numref(v->q), limb, (mp_size_t)head);
  if (kind_of(e) == EX_RAT)
    mpz_roinit_n(mpq_denref(v->q), limb + top,
                 (mp_size_t)hc_words(e) - 1 - top);
}

static bool is_exact(ex e) { return is_number(e) && kind_of(e) != EX_REAL; }

int ex_exact_compare(ex a, ex b) {
  struct view va;
  struct view vb;
  int by;
  if (kind_of(a) == EX_INT && kind_of(b) == EX_INT)
    return (ex_int_value(a) > ex_int_value(b)) -
           (ex_int_value(a) < ex_int_value(b));
  view(&va, a);
  view(&vb, b);
  by = mpq_cmp(va.q, vb.q);
  return (by > 0) - (by < 0);
}

double ex_exact_double(ex e) {
  struct view v;
  view(&v, e);
  return mpq_get_d(v.q);
}

bool ex_exact_is_negative(ex e) { return (int64_t)hc_key(e)[0] < 0; }

bool ex_exact_parts(ex e, int64_t *out_p, int64_t *out_q) {
  struct view v;
  view(&v, e);
  if (!mpz_fits_slong_p(mpq_numref(v.q)) || !mpz_fits_slong_p(mpq_denref(v.q)))
    return false;
  *out_p = mpz_get_si(mpq_numref(v.q));
  *out_q = mpz_get_si(mpq_denref(v.q));
  return true;
}

bool ex_get_mpz(ex e, mpz_ptr out) {
  struct view v;
  if (!is_exact(e) || kind_of(e) == EX_RAT)
    return false;
  view(&v, e);
  mpz_set(out, mpq_numref(v.q));
  return true;
}

bool ex_get_mpq(ex e, mpq_ptr out) {
  struct view v;
  if (!is_exact(e))
    return false;
  view(&v, e);
  mpq_set(out, v.q);
  return true;
}

char *ex_exact_string(ex e, const char *bar) {
  struct view v;
  size_t top;
  char *text;
  view(&v, e);
  top = mpz_sizeinbase(mpq_numref(v.q), 10) + 2;
  text = malloc(top + strlen(bar) + mpz_sizeinbase(mpq_denref(v.q), 10) + 2);
  if (text == NULL)
    return NULL;
  mpz_get_str(text, 10, mpq_numref(v.q));
  if (kind_of(e) == EX_RAT) {
    size_t n = strlen(text);
    memcpy(text + n, bar, strlen(bar));
    mpz_get_str(text + n + strlen(bar), 10, mpq_denref(v.q));
  }
  return text;
}

/* ---- Making numbers ---- */

/* A node from the limbs of P and, for a fraction, of Q. */
static ex from_limbs(ex_kind kind, mpz_srcptr p, mpz_srcptr q) {
  size_t top = mpz_size(p);
  size_t below = q == NULL ? 0 : mpz_size(q);
  size_t words = 1 + top + below;
  uintptr_t *key;
  ex e;
  if (words > EX_MAX_WORDS)
    return ex_node_fail(EX_ELIMIT);
  key = malloc(words * sizeof *key);
  if (key == NULL)
    return ex_node_fail(EX_ENOMEM);
  key[0] = mpz_sgn(p) < 0 ? 0 - top : top;
  memcpy(key + 1, mpz_limbs_read(p), top * sizeof *key);
  if (q != NULL)
    memcpy(key + 1 + top, mpz_limbs_read(q), below * sizeof *key);
  e = ex_node_leaf(kind, key, words);
  free(key);
  return e;
}

ex ex_mpz(mpz_srcptr value) {
  if (mpz_fits_slong_p(value))
    return ex_int(mpz_get_si(value));
  return from_limbs(EX_BIG, value, NULL);
}

ex ex_mpq(mpq_srcptr value) {
  mpq_t q;
  ex e;
  if (mpz_sgn(mpq_denref(value)) == 0)
    return ex_node_fail(EX_ETYPE);
  mpq_init(q);
  /* mpq_set copies no denominator below 0. */
  mpz_set(mpq_numref(q), mpq_numref(value));
  mpz_set(mpq_denref(q), mpq_denref(value));
  mpq_canonicalize(q);
  if (mpz_cmp_ui(mpq_denref(q), 1) == 0)
    e = ex_mpz(mpq_numref(q));
  else
    e = from_limbs(EX_RAT, mpq_numref(q), mpq_denref(q));
  mpq_clear(q);
  return e;
}

/* Longer than any node can hold, whatever the digits are. */
enum { DIGITS_LIMIT = EX_MAX_WORDS * 20 };

ex ex_exact_parse(const char *digits, size_t n, bool negative) {
  char *text;
  mpz_t z;
  ex e;
  while (n > 1 && digits[0] == '0') {
    digits++;
    n--;
  }
  if (n > DIGITS_LIMIT)
    return ex_node_fail(EX_ELIMIT);
  text = strndup(digits, n);
  if (text == NULL)
    return ex_node_fail(EX_ENOMEM);
  mpz_init_set_str(z, text, 10);
  if (negative)
    mpz_neg(z, z);
  e = ex_mpz(z);
  mpz_clear(z);
  free(text);
  return e;
}

ex ex_exact_quotient(ex p, ex q) {
  mpq_t value;
  ex e = NULL;
  if (p == NULL || q == NULL)
    return NULL;
  mpq_init(value);
  if (ex_get_mpz(p, mpq_numref(value)) && ex_get_mpz(q, mpq_denref(value)))
    e = ex_mpq(value);
  mpq_clear(value);
  return e;
}

/* ---- Bytes ---- */

/* BYTES of DATA with zeroes up to a whole word, at least one, after HEAD words;
 * or NULL where ONLY_KNOWN and there is no such node. */
static ex padded(ex_kind kind, const void *data, size_t bytes, size_t head,
                 bool only_known) {
  uintptr_t small[8] = {0};
  size_t words = head + bytes / sizeof small[0] + 1;
  uintptr_t *key = small;
  ex e;
  if (words > EX_MAX_WORDS)
    return ex_node_fail(EX_ELIMIT);
  if (words > 8)
    key = calloc(words, sizeof *key);
  if (key == NULL)
    return ex_node_fail(EX_ENOMEM);
  if (head > 0)
    key[0] = bytes;
  if (bytes > 0)
    memcpy(key + head, data, bytes);
  e = only_known ? ex_node_known_leaf(kind, key, words)
                 : ex_node_leaf(kind, key, words);
  if (key != small)
    free(key);
  return e;
}

ex ex_sym_n(const char *name, size_t bytes) {
  if (memchr(name, '\0', bytes) != NULL)
    return ex_node_fail(EX_ETYPE);
  return padded(EX_SYM, name, bytes, 0, false);
}

ex ex_sym(const char *name) { return ex_sym_n(name, strlen(name)); }

/* Without what an earlier ex_fresh put behind it, so that names do not grow. */
static size_t length_of_hint(const char *hint) {
  size_t n = strlen(hint);
  size_t end = n;
  while (end > 0 && hint[end - 1] >= '0' && hint[end - 1] <= '9')
    end--;
  return end > 0 && end < n && hint[end - 1] == '\'' ? end - 1 : n;
}

ex ex_fresh(const char *hint) {
  static atomic_ullong last;
  size_t n = length_of_hint(hint);
  char *name = malloc(n + 24);
  ex e = NULL;
  if (name == NULL)
    return ex_node_fail(EX_ENOMEM);
  memcpy(name, hint, n);
  while (e == NULL) {
    unsigned long long number = atomic_fetch_add(&last, 1) + 1;
    size_t bytes = n + (size_t)snprintf(name + n, 24, "'%llu", number);
    if (padded(EX_SYM, name, bytes, 0, true) != NULL)
      continue;
    e = ex_sym_n(name, bytes);
    if (e == NULL)
      break;
  }
  free(name);
  return e;
}

ex ex_str(const char *text, size_t bytes) {
  return padded(EX_STR, text, bytes, 1, false);
}

ex ex_blob(const void *data, size_t bytes) {
  return padded(EX_BLOB, data, bytes, 1, false);
}

const char *ex_bytes(ex e, size_t *out_bytes) {
  if (kind_of(e) != EX_STR && kind_of(e) != EX_BLOB) {
    *out_bytes = 0;
    ex_node_fail(EX_ETYPE);
    return NULL;
  }
  *out_bytes = hc_key(e)[0];
  return (const char *)(hc_key(e) + 1);
}
