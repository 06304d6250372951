# tests/tools/local.mk: tests of the scripts, and of the tree by them. SPDX-License-Identifier: MIT

tools_tests = tests/tools/abi_symbols.sh tests/tools/abidiff.sh \
	tests/tools/api_tested.sh tests/tools/bench_run.sh \
	tests/tools/check_exports.sh tests/tools/check_layers.sh \
	tests/tools/check_style.sh tests/tools/deb.sh tests/tools/docs.sh \
	tests/tools/dropin.sh tests/tools/header_names.sh tests/tools/headers.sh \
	tests/tools/install.sh tests/tools/lists.sh tests/tools/metrics.sh \
	tests/tools/migrate.sh \
	tests/tools/mutants.sh tests/tools/quickstart.sh tests/tools/tap_count.sh

TESTS += $(tools_tests)
EXTRA_DIST += $(tools_tests) tests/tools/abi-extra.list \
	tests/tools/abi-missing.list tests/tools/abi.list \
	tests/tools/header-names.list tests/tools/lib.sh
