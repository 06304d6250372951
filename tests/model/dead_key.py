#!/usr/bin/env python3
# tests/model/dead_key.py: addresses that are part of a key. SPDX-License-Identifier: MIT
#
# A table has P, whose key is the address of X and whose payload was computed
# from X; neither holds references when dead. Look-ups hold X, or the object that
# came to X's address after it. Finding P is right only if P was made from what
# the look-up holds.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import main, mutant, sound  # noqa: E402

NONE, COND, CLAIM, DONE, GONE = 'NONE', 'COND', 'CLAIM', 'DONE', 'GONE'

State = namedtuple('State', [
    'p', 'x',              # state bytes
    'p_batch', 'x_batch',  # the collections that condemned them
    'birth',               # 1 when another object has X's slot
    'entry',               # P is in the table
    'has_p', 'has_x',      # what the mutator holds
    'n',                   # what the notifier runs for
    'again',               # an equal P was made, the first one being too late
    'collections'])        # so far


class DeadKey:
    awaits = 'decided'  # X's release waits for P, condemned no later: decided;
    #                     claimed; same (in the same collection only); nothing
    claim_hides = True  # a look-up takes what is claimed for absent
    limit = 3
    start = State(NONE, NONE, 0, 0, 0, True, True, True, None, False, 0)
    unreliable = ()
    wanted = {'P is found', 'P is revived', 'X is released', 'X has a successor'}

    def fault(self, s):
        if s.has_p and s.birth:
            return 'P is found for a successor of X'
        if s.has_p and (s.p != NONE or s.x != NONE):
            return f'P is held, P is {s.p} and X is {s.x}'
        return None

    def is_end(self, s):
        return s.n is None and s.p in (NONE, GONE) and s.x in (NONE, GONE)

    def places(self, s):
        return f'P {s.p}, X {s.x}, N {s.n}'

    def steps(self, s):
        if s.collections < self.limit:
            yield 'collect', self.collect(s)
        yield from self.mutate(s)
        yield from self.notify(s)
        yield from self.release(s)

    def collect(self, s):
        number = s.collections + 1
        y = s._replace(collections=number)
        if s.p == NONE and not s.has_p:
            y = y._replace(p=COND, p_batch=number)
        if s.x == NONE and not s.has_x and not s.has_p:
            y = y._replace(x=COND, x_batch=number)
        return y

    def mutate(self, s):
        if s.has_p:
            yield 'M drops P', s._replace(has_p=False)
        if s.has_x:
            yield 'M drops X', s._replace(has_x=False)
        elif s.x == COND and not s.birth:
            yield 'X is revived', s._replace(x=NONE, has_x=True)
        elif s.x == NONE and not s.birth:
            yield 'X is found', s._replace(has_x=True)
        if s.x == GONE and not s.birth:
            yield 'X has a successor', s._replace(x=NONE, birth=1, has_x=True)
        if s.has_x and s.entry and not s.has_p:
            if s.p == NONE or s.p == CLAIM and not self.claim_hides:
                yield 'P is found', s._replace(has_p=True)
            elif s.p == COND:
                yield 'P is revived', s._replace(p=NONE, has_p=True)
            elif s.p == CLAIM and not s.again:
                yield 'P is made again', s._replace(again=True)

    def notify(self, s):
        if s.n is None:
            if s.p == COND:
                yield 'N claims P', s._replace(p=CLAIM, n='P')
            if s.x == COND:
                yield 'N claims X', s._replace(x=CLAIM, n='X')
        elif s.n == 'X':
            yield 'N is done with X', s._replace(x=DONE, n=None)
        elif s.entry:
            yield 'N unlinks P', s._replace(entry=False)
        else:
            yield 'N is done with P', s._replace(p=DONE, n=None)

    def release(self, s):
        if s.x == DONE and not self.is_awaited(s):
            yield 'X is released', s._replace(x=GONE)
        if s.p == DONE:
            yield 'P is released', s._replace(p=GONE)

    def is_awaited(self, s):
        if self.awaits == 'nothing':
            return False
        if self.awaits == 'same' and s.p_batch != s.x_batch:
            return False
        undecided = (COND,) if self.awaits == 'claimed' else (COND, CLAIM)
        return s.p in undecided and s.p_batch <= s.x_batch


def such(**choices):
    return type('Such', (DeadKey,), choices)


VARIANTS = [
    sound('release when all are decided', such()),
    sound('release when all are claimed', such(awaits='claimed')),
    mutant('release at once', such(awaits='nothing'), 'for a successor'),
    mutant('release when the same collection is decided', such(awaits='same'),
           'for a successor'),
    mutant('a claimed key is found', such(claim_hides=False), 'P is CLAIM'),
]

if __name__ == '__main__':
    sys.exit(main(VARIANTS))
