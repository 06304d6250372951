# tests/local.mk: how tests run, and which folders hold some. SPDX-License-Identifier: MIT
#
# Every test speaks the Test Anything Protocol, whatever its language.

TEST_EXTENSIONS = .sh .py
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(SHELL)
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = $(PYTHON)

AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	CC='$(CC)'; export CC; \
	CPPFLAGS='$(CPPFLAGS)'; export CPPFLAGS; \
	CFLAGS='$(CFLAGS)'; export CFLAGS; \
	NM='$(NM_TOOL)'; export NM; \
	PYTHON='$(PYTHON)'; export PYTHON; \
	MANDOC='$(MANDOC)'; export MANDOC; \
	WITH_HEXPR='$(WITH_HEXPR)'; export WITH_HEXPR; \
	BUILD_KIND='$(BUILD_KIND)'; export BUILD_KIND;

include tests/lib/local.mk
include tests/unit/local.mk
include tests/api/local.mk
include tests/fault/local.mk
include tests/differ/local.mk
include tests/stress/local.mk
include tests/extra/local.mk
include tests/gcx/local.mk
include tests/mutants/local.mk
include tests/model/local.mk
include tests/dropin/local.mk
include tests/tools/local.mk

EXTRA_DIST += tests/bdw-readme.sh tests/check-bdw.sh
