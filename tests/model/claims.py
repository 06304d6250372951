#!/usr/bin/env python3
# tests/model/claims.py: several objects claimed at once. SPDX-License-Identifier: MIT
#
# A chain A -> B -> C with held references.  A notifier thread claims up to two in one
# critical section, parents first, and then calls one after the other without the
# lock; it takes the number of the next by an atomic addition.  A revival, a keep
# and the service thread give back what it has claimed and not called: under the
# lock, by an exchange of that number for one that is too large.  Nobody's notifier
# may be called while a live object refers to it.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import Fault, main, mutant, sound  # noqa: E402

NONE, COND, CLAIM, DONE = 'NONE', 'COND', 'CLAIM', 'DONE'
END = 9

State = namedtuple('State', [
    'slots',     # state bytes of A, B, C
    'told',      # calls of each since it was condemned
    'array',     # what the thread has claimed
    'next',      # number of the next to call, atomic
    'at',        # what is being called
    'kept',      # kept, and not yet taken back: a verdict that waits
    'seen',      # what a giver has read and not written back yet
    'revivals',  # left
    'gives'])    # of the service thread, left


class Claims:
    gives_back = True    # before a closure is walked
    keeps_at_once = True  # not when the claims are finished
    exchanges = True     # or reads the number, and then writes it
    most = 2
    start = State((COND,) * 3, (0,) * 3, (), 0, None, None, None, 2, 1)
    unreliable = ()
    wanted = {'R revives', 'W gives back', 'N is kept', 'N finishes'}

    def fault(self, s):
        if any(n > 1 for n in s.told):
            return 'called twice'
        return None

    def is_end(self, s):
        return s.array == () and s.seen is None and not set(s.slots) & {COND, CLAIM}

    def places(self, s):
        return f'slots {s.slots}, array {s.array}, at {s.at}'

    def steps(self, s):
        yield from self.notify(s)
        if s.seen is not None:
            yield 'W writes', self.give_back(s._replace(seen=None), s.seen)
            return
        if s.revivals:
            for x in range(3):
                if s.slots[x] == COND:
                    y = s._replace(revivals=s.revivals - 1)
                    yield 'R revives', self.revive(self.before_walk(y), x)
        if s.gives and s.array:
            y = s._replace(gives=0)
            if self.exchanges:
                yield 'W gives back', self.give_back(y, s.next)
            else:
                yield 'W gives back', y._replace(seen=s.next)

    def put(self, s, x, state):
        slots = list(s.slots)
        slots[x] = state
        return s._replace(slots=tuple(slots))

    def give_back(self, s, number):
        for x in s.array[number:]:
            if s.slots[x] == CLAIM:
                s = self.put(s, x, COND)
        return s._replace(array=s.array[:number], next=END)

    def before_walk(self, s):
        return self.give_back(s, s.next) if self.gives_back and s.array else s

    def revive(self, s, x):
        for y in range(x, 3):
            if s.slots[y] == CLAIM and y != s.at:
                raise Fault('a walk meets what is claimed and not called')
            if s.slots[y] == COND:
                s = self.put(s, y, NONE)
        return s

    def notify(self, s):
        if s.array == () and s.at is None and COND in s.slots and s.seen is None:
            yield 'N claims', self.claim(s)
        elif s.at is not None:
            yield 'N is done', s._replace(at=None)
            yield 'N is kept', self.keep(s)
        elif s.array and s.next < len(s.array):
            yield 'N calls', self.call(s)
        elif s.array and s.seen is None:
            yield 'N finishes', self.finish(s)

    def claim(self, s):
        array = [x for x in range(3) if s.slots[x] == COND][:self.most]
        for x in array:
            s = self.put(s, x, CLAIM)
        return s._replace(array=tuple(array), next=0)

    def call(self, s):
        x = s.array[s.next]
        told = list(s.told)
        told[x] += 1
        if s.slots[x] != CLAIM:
            raise Fault(f'called when {s.slots[x]}')
        if x and (s.slots[x - 1] == NONE or s.kept == x - 1):
            raise Fault('called while a live object refers to it')
        return s._replace(next=s.next + 1, at=x, told=tuple(told))

    def keep(self, s):
        x = s.at
        s = s._replace(at=None)
        if not self.keeps_at_once:
            return s._replace(kept=x)
        s = self.before_walk(s)
        s = self.put(s, x, NONE)
        return self.revive(s, x + 1)

    def finish(self, s):
        for x in s.array:
            if s.slots[x] == CLAIM:
                s = self.put(s, x, DONE)
        return s._replace(array=(), next=0, kept=None)


def such(**choices):
    return type('Such', (Claims,), choices)


VARIANTS = [
    sound('claims are given back before a walk', such()),
    sound('one at a time', such(most=1)),
    mutant('nothing is given back', such(gives_back=False), 'claimed and not called'),
    mutant('keeping waits for the others', such(keeps_at_once=False),
           'a live object refers'),
    mutant('the number is read and then written', such(exchanges=False),
           'called twice'),
]

if __name__ == '__main__':
    sys.exit(main(VARIANTS))
