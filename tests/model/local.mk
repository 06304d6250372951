# tests/model/local.mk: models of the protocols. SPDX-License-Identifier: MIT

model_tests = tests/model/claims.py tests/model/dead_key.py tests/model/drain.py \
	tests/model/held.py tests/model/one_slot.py tests/model/suspend.py \
	tests/model/undecided.py tests/model/unlocked.py

TESTS += $(model_tests)
EXTRA_DIST += $(model_tests) tests/model/engine.py
