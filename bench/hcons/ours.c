/* bench/hcons/ours.c: the workloads on libhcons. SPDX-License-Identifier: MIT */
#include "store_ours.h"

#include "programs.h"

int main(int argc, char **argv) { return programs_main(argc, argv); }
