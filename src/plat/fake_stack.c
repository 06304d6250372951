/* src/plat/fake_stack.c: locals that AddressSanitizer keeps off the stack.
 * SPDX-License-Identifier: MIT
 *
 * A program compiled for AddressSanitizer may keep the locals of its functions
 * in frames of a fake stack; the true stack then has the frame's address only.
 * The sanitiser's own interface tells both. It is there when the program is
 * such a one, whatever the collector was compiled for, hence weak symbols.
 */
#include "plat/plat.h"

extern void *__asan_get_current_fake_stack(void) __attribute__((weak));
extern void *__asan_addr_is_in_fake_stack(void *fake_stack, void *address,
                                          void **out_low, void **out_high)
    __attribute__((weak));

void *gc_plat_fake_stack(void) {
  if (__asan_get_current_fake_stack == NULL ||
      __asan_addr_is_in_fake_stack == NULL)
    return NULL;
  return __asan_get_current_fake_stack();
}

bool gc_plat_fake_frame_of(void *fake_stack, void *p, char **out_low,
                           char **out_high) {
  void *low, *high;
  if (__asan_addr_is_in_fake_stack(fake_stack, p, &low, &high) == NULL)
    return false;
  *out_low = low;
  *out_high = high;
  return true;
}
