/* extra/hexpr/big.c: addition and printing of big natural numbers. SPDX-License-Identifier: MIT */
#include "hexpr/big.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t *limbs(const struct ex_big *a) {
  return a->limb != NULL ? a->limb : &a->low;
}

static size_t count(const struct ex_big *a) {
  return a->limb != NULL ? a->n : 1;
}

/* Gives A room for at least N limbs, the new ones zero. */
static bool widen(struct ex_big *a, size_t n) {
  uint64_t *bigger;
  size_t old = count(a);
  if (a->limb != NULL && a->n >= n)
    return true;
  bigger = calloc(n, sizeof *bigger);
  if (bigger == NULL)
    return false;
  memcpy(bigger, limbs(a), old * sizeof *bigger);
  free(a->limb);
  a->limb = bigger;
  a->n = n;
  return true;
}

static bool add_wide(struct ex_big *a, const struct ex_big *b) {
  size_t n = count(a) > count(b) ? count(a) : count(b);
  size_t m = count(b);
  const uint64_t *from;
  uint64_t carry = 0;
  if (count(a) < n || limbs(a)[n - 1] >= UINT64_MAX / 4 ||
      (m == n && limbs(b)[n - 1] >= UINT64_MAX / 4))
    n++;
  if (!widen(a, n))
    return false;
  from = limbs(b);
  for (size_t i = 0; i < a->n && (i < m || carry != 0); i++) {
    unsigned __int128 sum = (unsigned __int128)a->limb[i] + carry;
    if (i < m)
      sum += from[i];
    a->limb[i] = (uint64_t)sum;
    carry = (uint64_t)(sum >> 64);
  }
  return true;
}

bool ex_big_add(struct ex_big *a, const struct ex_big *b) {
  uint64_t sum;
  if (a->limb == NULL && b->limb == NULL &&
      !__builtin_add_overflow(a->low, b->low, &sum)) {
    a->low = sum;
    return true;
  }
  return add_wide(a, b);
}

bool ex_big_add_small(struct ex_big *a, uint64_t b) {
  struct ex_big small = {b, NULL, 0};
  return ex_big_add(a, &small);
}

void ex_big_drop(struct ex_big *a) {
  free(a->limb);
  a->limb = NULL;
  a->low = 0;
}

void ex_big_get(const struct ex_big *a, mpz_ptr out) {
  mpz_import(out, count(a), -1, sizeof(uint64_t), 0, 0, limbs(a));
}

/* Divides in place by 10^18 and returns the rest. */
static uint64_t cut_digits(uint64_t *limb, size_t n) {
  unsigned __int128 rest = 0;
  const uint64_t unit = UINT64_C(1000000000000000000);
  for (size_t i = n; i-- > 0;) {
    rest = rest << 64 | limb[i];
    limb[i] = (uint64_t)(rest / unit);
    rest %= unit;
  }
  return (uint64_t)rest;
}

static size_t significant(const uint64_t *limb, size_t n) {
  while (n > 0 && limb[n - 1] == 0)
    n--;
  return n;
}

char *ex_big_string(const struct ex_big *a) {
  size_t n = count(a);
  size_t room = n * 20 + 20;
  uint64_t *work = malloc(n * sizeof *work);
  char *text = malloc(room);
  size_t start = room - 1;
  if (work == NULL || text == NULL) {
    free(work);
    free(text);
    return NULL;
  }
  memcpy(work, limbs(a), n * sizeof *work);
  text[start] = '\0';
  do {
    char part[32];
    uint64_t digits = cut_digits(work, n);
    n = significant(work, n);
    snprintf(part, sizeof part, n > 0 ? "%018llu" : "%llu",
             (unsigned long long)digits);
    start -= strlen(part);
    memcpy(text + start, part, strlen(part));
  } while (n > 0);
  memmove(text, text + start, room - start);
  free(work);
  return text;
}
