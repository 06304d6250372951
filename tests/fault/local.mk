# tests/fault/local.mk: missing resources and torture switches. SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fault/faults
TESTS += tests/fault/faults
tests_fault_faults_SOURCES = tests/fault/faults.c
tests_fault_faults_LDADD = tests/lib/libgcutil.la tests/lib/libtap.la libgc.la
