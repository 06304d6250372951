#!/usr/bin/env python3
# tests/model/unlocked.py: a look-up in a weak table without its lock. SPDX-License-Identifier: MIT
#
# A weak table has X, in one of two arrays: entries move from the first to the second,
# and what was moved stays readable in the first. A look-up without the lock reads the
# number of collections, then that of undecided deaths, then which array is in use, then
# the slot; from the slot it makes X's plain address, which is a root, and reads the
# number of collections again. If that is the same and no death was undecided, it reads X
# and returns it, else it looks up again with the lock (which is the model in
# undecided.py). X's notifier takes the lock to remove X from the array in use. The
# look-up must never read X when X was released, nor return X when X was condemned.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import main, mutant, sound  # noqa: E402

NONE, COND, CLAIM, DONE, GONE = 'NONE', 'COND', 'CLAIM', 'DONE', 'GONE'

State = namedtuple('State', [
    'x',            # state byte
    'count',        # undecided deaths
    'epoch',        # collections, as readers see it
    'owed',         # the epoch is told later
    'entries',      # which arrays have X, as a pair
    'current',      # which array is in use
    'moving',       # the mover has the lock
    'm',            # steps of the look-up that are done
    'first',        # the epoch that it read first, or None
    'zero',         # it found no undecided death
    'array',        # the array that it read from
    'slot',         # it has X's slot
    'address',      # it has X's plain address: a root
    'same',         # the epoch was the same
    'held',         # it returned X, which the program holds
    'n',            # place of the notifier
    'collections'])

STEPS = ('epoch', 'count', 'array', 'slot', 'address', 'again', 'answer')


class Unlocked:
    order = STEPS
    asks_twice = True      # the epoch is compared
    asks_count = True
    told = 'stopped'       # the epoch changes in the stop, or when the world runs
    limit = 2
    start = State(NONE, 0, 0, False, (True, False), 0, False, 0, None, False, None,
                  False, False, False, False, None, 0)
    unreliable = ()
    wanted = {'M returns X', 'M wants the lock', 'N removes X', 'X moves'}

    def fault(self, s):
        if s.held and s.x != NONE:
            return f'X is returned, and X is {s.x}'
        if s.m > 0 and self.order[s.m - 1] == 'answer' and s.x == GONE:
            return 'X is read, and X is released'
        return None

    def is_end(self, s):
        return s.m == 0 and s.n is None and s.x in (NONE, GONE) and not s.owed

    def places(self, s):
        return f'M {s.m}, N {s.n}, X {s.x}, count {s.count}'

    def steps(self, s):
        if s.owed:
            yield 'the epoch changes', s._replace(epoch=s.epoch + 1, owed=False)
        if s.collections < self.limit and not s.owed:
            yield 'collect', self.collect(s)
        yield from self.move(s)
        yield from self.look_up(s)
        yield from self.notify(s)

    def collect(self, s):
        y = s._replace(collections=s.collections + 1)
        if self.told == 'stopped':
            y = y._replace(epoch=s.epoch + 1)
        else:
            y = y._replace(owed=True)
        if s.x == NONE and not s.held and not s.address:
            y = y._replace(x=COND, count=s.count + 1)
        return y

    def move(self, s):
        """Under the lock: X into the second array, which is in use then. What the
        first still has is thrown away at some later time."""
        if s.current == 0 and not s.moving and s.n != 'remove':
            yield 'the move begins', s._replace(moving=True)
        if s.moving:
            y = s._replace(moving=False, current=1, entries=(s.entries[0], s.entries[0]))
            yield 'X moves', y
        if s.current == 1 and s.entries[0]:
            yield 'the first is emptied', s._replace(entries=(False, s.entries[1]))

    def done(self, s, **changes):
        return s._replace(m=0, first=None, zero=False, array=None, slot=False,
                          address=False, same=False, **changes)

    def look_up(self, s):
        if s.held:
            yield 'M drops X', s._replace(held=False)
            return
        step = self.order[s.m]
        y = s._replace(m=s.m + 1)
        if step == 'epoch':
            yield 'M reads the epoch', y._replace(first=s.epoch)
        elif step == 'count':
            yield 'M reads the count', y._replace(zero=s.count == 0)
        elif step == 'array':
            yield 'M reads the array', y._replace(array=s.current)
        elif step == 'slot' and s.entries[s.array]:
            yield 'M reads the slot', y._replace(slot=True)
        elif step == 'slot':
            yield 'M finds nothing', self.done(s)
        elif step == 'address':
            yield 'M has the address', y._replace(address=True)
        elif step == 'again':
            yield 'M reads the epoch again', y._replace(same=s.first == s.epoch)
        elif (s.same or not self.asks_twice) and (s.zero or not self.asks_count):
            fault = s.x == GONE
            yield 'M returns X', (y if fault else self.done(s, held=True))
        else:
            yield 'M wants the lock', self.done(s)

    def notify(self, s):
        if s.n is None and s.x == COND:
            yield 'N claims X', s._replace(x=CLAIM, n='lock')
        elif s.n == 'lock' and not s.moving:
            yield 'N locks', s._replace(n='remove')
        elif s.n == 'remove':
            gone = (s.entries[0] and s.current == 1, False)
            yield 'N removes X', s._replace(entries=gone, n='decide')
        elif s.n == 'decide':
            yield 'N decides', s._replace(x=DONE, n='release', count=s.count - 1)
        elif s.n == 'release':
            yield 'X is released', s._replace(x=GONE, n=None)


def such(**choices):
    return type('Such', (Unlocked,), choices)


def ordered(*order):
    return such(order=order)


VARIANTS = [
    sound('epoch, count, array, slot, address, epoch', such()),
    mutant('the epoch is not asked again', such(asks_twice=False), 'X is'),
    mutant('the count is not asked', such(asks_count=False), 'X is'),
    mutant('the epoch is asked before the address is there', ordered(
        'epoch', 'count', 'array', 'slot', 'again', 'address', 'answer'), 'X is'),
    mutant('the count after the slot', ordered(
        'epoch', 'array', 'slot', 'address', 'count', 'again', 'answer'), 'X is'),
    mutant('the array is read first', ordered(
        'array', 'epoch', 'count', 'slot', 'address', 'again', 'answer'), 'X is'),
    mutant('the epoch changes when the world runs', such(told='later'), 'X is'),
]

if __name__ == '__main__':
    sys.exit(main(VARIANTS))
