/* bench/hcons/hexpr.c: the workloads on libhexpr. SPDX-License-Identifier: MIT */
#include "store_hexpr.h"

#include "programs.h"

int main(int argc, char **argv) { return programs_main(argc, argv); }
