#!/usr/bin/env python3
# tests/model/undecided.py: a look-up that asks one number first. SPDX-License-Identifier: MIT
#
# A weak table has X. A look-up reads X's address under the table's lock, and asks for
# X itself only if the number of undecided deaths is not 0. X's notifier takes the lock
# to remove X. The look-up must never return X when it was condemned and not revived,
# and the number must not say for ever that there are deaths.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import main, mutant, sound  # noqa: E402

NONE, COND, CLAIM, DONE, GONE = 'NONE', 'COND', 'CLAIM', 'DONE', 'GONE'

State = namedtuple('State', [
    'x',            # state byte
    'count',        # the number
    'owed',         # 1 when X is condemned and was not counted yet
    'entry',        # X is in the table
    'lock',         # None, 'M' or 'N'
    'm',            # place of the look-up
    'address',      # it has X's plain address in a variable: a root
    'zero',         # it has read 0
    'held',         # it returned X, which the program holds
    'n',            # place of the notifier
    'stopped',      # a collection is under way
    'collections'])


class Undecided:
    reads = 'after'        # the number is read after the address, or before
    keeps = True           # the address stays in use: a root until the answer
    counted = 'stopped'    # in the stop, or when the world runs again
    ends = 'decided'       # the number falls: decided, or claimed
    locks = True           # the look-up has the table's lock
    limit = 3
    start = State(NONE, 0, 0, True, None, 'idle', False, False, False, None,
                  False, 0)
    unreliable = ()
    wanted = {'M finds 0', 'M revives X', 'M is too late', 'N removes X'}

    def fault(self, s):
        if s.held and s.x != NONE:
            return f'X is returned, and X is {s.x}'
        if s.x == GONE and s.entry:
            return 'X is freed, and the table has it'
        return None

    def is_end(self, s):
        return (s.m == 'idle' and s.n is None and not s.stopped
                and s.x in (NONE, GONE) and s.count == 0)

    def places(self, s):
        return f'M {s.m}, N {s.n}, X {s.x}, count {s.count}, lock {s.lock}'

    def steps(self, s):
        if s.stopped:
            yield 'the world runs', s._replace(stopped=False)
            return
        if s.owed:
            yield 'the number rises', s._replace(count=s.count + 1, owed=0)
        if s.collections < self.limit:
            yield 'collect', self.collect(s)
        yield from self.look_up(s)
        yield from self.notify(s)

    def collect(self, s):
        y = s._replace(collections=s.collections + 1, stopped=True)
        is_root = s.held or (s.address and (self.keeps or s.m == 'has address'))
        if s.x == NONE and not is_root:
            y = y._replace(x=COND)
            y = y._replace(count=s.count + 1) if self.counted == 'stopped' \
                else y._replace(owed=1)
        return y

    def unlocked(self, s, **changes):
        lock = None if s.lock == 'M' else s.lock
        return s._replace(lock=lock, m='idle', address=False, zero=False, **changes)

    def look_up(self, s):
        first, second = ('look', 'count') if self.reads == 'after' else ('count', 'look')
        if s.held:
            yield 'M drops X', s._replace(held=False)
        if s.m == 'idle' and not s.held and (s.lock is None or not self.locks):
            yield 'M begins', s._replace(lock='M' if self.locks else s.lock, m=first)
        after = {first: second, second: 'answer'}
        if s.m == 'look' and not s.entry:
            yield 'M finds nothing', self.unlocked(s)
        elif s.m == 'look':
            m = 'has address' if after['look'] == 'count' else 'answer'
            yield 'M reads the address', s._replace(m=m, address=True)
        if s.m == 'has address':
            yield 'M holds it', s._replace(m='count')
        if s.m == 'count':
            yield 'M reads the number', s._replace(m=after['count'], zero=s.count == 0)
        if s.m == 'answer':
            yield from self.answer(s)

    def answer(self, s):
        if s.zero:
            yield 'M finds 0', self.unlocked(s, held=True)
        elif s.x == NONE:
            yield 'M finds X alive', self.unlocked(s, held=True)
        elif s.x == COND:
            yield 'M revives X', self.unlocked(
                s._replace(x=NONE, count=s.count - (not s.owed), owed=0), held=True)
        else:
            yield 'M is too late', self.unlocked(s)

    def notify(self, s):
        if s.n is None and s.x == COND:
            fall = self.ends == 'claimed' and not s.owed
            yield 'N claims X', s._replace(x=CLAIM, n='lock', count=s.count - fall)
        elif s.n == 'lock' and s.lock is None:
            yield 'N locks', s._replace(lock='N', n='remove')
        elif s.n == 'remove':
            yield 'N removes X', s._replace(entry=False, lock=None, n='decide')
        elif s.n == 'decide' and not s.owed:
            fall = self.ends == 'decided'
            yield 'N decides', s._replace(x=DONE, n='release', count=s.count - fall)
        elif s.n == 'release':
            yield 'X is released', s._replace(x=GONE, n=None)


def such(**choices):
    return type('Such', (Undecided,), choices)


VARIANTS = [
    sound('the number after the address', such()),
    mutant('the number before the address', such(reads='before'), 'X is returned'),
    mutant('the address is not kept', such(keeps=False), 'X is returned'),
    mutant('counted when the world runs', such(counted='later'), 'X is returned'),
    mutant('falls with the claim', such(ends='claimed'), 'X is returned'),
    mutant('looked up without the lock', such(locks=False), 'X is returned'),
]

if __name__ == '__main__':
    sys.exit(main(VARIANTS))
