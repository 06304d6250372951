/* bench/hcons/floor.c: the workloads on a store that frees nothing. SPDX-License-Identifier: MIT */
#include "store_floor.h"

#include "programs.h"

int main(int argc, char **argv) { return programs_main(argc, argv); }
