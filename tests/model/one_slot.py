#!/usr/bin/env python3
# tests/model/one_slot.py: one slot of a notified kind. SPDX-License-Identifier: MIT
#
# A slot whose object nobody else holds references for: thread A looks it up in
# a table, thread B holds it, frees it by hand or allocates its successor, N
# notifies, and stops happen anywhere.  A stop marks and examines in one step:
# nothing runs beside it.
#
# One step is one access to memory that others can see.  What an owner of the
# table's lock does to the table is one step too.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import Fault, main, mutant, sound  # noqa: E402

NONE, COND, CLAIM, DONE = 'NONE', 'COND', 'CLAIM', 'DONE'

State = namedtuple('State', [
    'byte',      # state byte
    'alloc',     # bit in the current allocation map
    'place',     # what the slot truly is: free, run (a thread's unused), object
    'birth',     # which object: 0, then its successor 1
    'listed',    # the notifier will come past it
    'lock',      # owner of the table's lock
    'entry',     # the table has the first object
    'twin',      # the table has another live object with an equal key
    'a',         # where A is in its look-up
    'a_reg',     # A's register holds the address
    'a_has',     # A holds the object
    'lookups',   # still to do
    'b',         # B: idle, freeing
    'b_has',     # which birth B holds, or None
    'n',         # where N is
    'told',      # notifications since it was condemned
    'keeps',     # still to do
    'stops',     # still to come
    'grace',     # what release waits for has happened
])

START = State(NONE, True, 'object', 0, False, None, True, False, 'idle', False, False,
              3, 'idle', 0, 'idle', 0, 2, 5, False)

IN_REGION = ('walk', 'compare', 'byte', 'cas', 'again', 'ok')


class OneSlot:
    """The protocol, with one attribute for each choice or mistake."""

    reader = 'lock'      # look-ups: lock, region (none), cell (a weak reference)
    grace = 'none'       # release waits for: none, stop, pin (a stop that does
    #                      not find it reachable), readers (none in its region)
    defers = False       # a stop waits while A is inside its region
    keeps = 'early'      # a kept object becomes live: early (under the table's
    #                      lock, if it has no twin), late (after the return),
    #                      twice (both), blind (early, twin or not), all
    #                      (the lock is held from claim to verdict)
    frees = None         # GC_free by B: None, locked (under the table's lock), bare
    refree = None        # GC_free of a condemned object: None (nothing), skip
    #                      (decided without a call), clear (the slot is free)
    claims_by_cas = True
    revives_locked = True
    unlinks_by = 'address'
    releases_early = False
    marks_tails = True
    keeps_bit = True     # a pending slot keeps its allocation bit
    reads_again = True   # the cell of a weak reference, after the byte
    lists_freed = True
    start = START
    unreliable = ()

    @property
    def wanted(self):
        labels = {'stop: condemned', 'A revives', 'N calls', 'release', 'B gets the slot'}
        if self.keeps and self.reader != 'cell':
            labels |= {'N keeps', 'N calls again'}
        return labels | ({'B frees'} if self.frees else set())

    # ---- Judgement ----

    def fault(self, x):
        if x.b_has is not None and self.is_gone(x, x.b_has):
            return f'B holds an object: {x.place}, {x.byte}, birth {x.birth}'
        if x.a_has and self.is_gone(x, 0):
            return f'A holds an object: {x.place}, {x.byte}, birth {x.birth}'
        if x.twin and x.entry and x.byte == NONE and x.birth == 0:
            return 'two live objects with equal keys are in the table'
        return None

    @staticmethod
    def is_gone(x, birth):
        return x.byte != NONE or x.place != 'object' or x.birth != birth

    def is_end(self, x):
        return (x.byte == NONE and x.lock is None and x.a == 'idle' and x.n == 'idle'
                and x.b == 'idle' and not x.a_has)

    def places(self, x):
        return f'{x.byte}, A {x.a}, B {x.b}, N {x.n}'

    def steps(self, x):
        yield from self.stop(x)
        yield from self.look_up(x)
        yield from self.notify(x)
        yield from self.release(x)
        yield from self.hold_and_free(x)
        yield from self.allocate(x)

    # ---- The collector ----

    def stop(self, x):
        inside = x.a in IN_REGION
        awaited = x.byte == DONE and not x.grace and self.grace != 'none'
        if (x.stops == 0 and not awaited) or (self.defers and inside):
            return
        root = x.a_reg and self.reader != 'cell'  # a cell hides what it refers to
        marked = x.a_has or x.b_has is not None or root
        marked = marked or (x.place == 'run' and self.marks_tails)
        y = x._replace(stops=max(x.stops - 1, 0), grace=not marked if self.grace == 'pin' else True)
        if x.byte == NONE and x.alloc and not marked:
            if x.place == 'run':
                raise Fault('a slot that was never an object is condemned')
            yield 'stop: condemned', y._replace(byte=COND, alloc=self.keeps_bit, told=0,
                                                listed=True)
        elif x.byte == NONE:
            yield 'stop', y
        else:
            yield 'stop: pending', y._replace(alloc=self.keeps_bit or marked,
                                              listed=x.byte == COND)

    def release(self, x):
        ready = {'none': True, 'stop': x.grace, 'pin': x.grace,
                 'readers': x.a not in IN_REGION}[self.grace]
        early = self.releases_early and x.byte == CLAIM
        if not early and (x.byte != DONE or not ready):
            return
        if x.told == 0:
            raise Fault('released without notification')
        if x.entry:
            raise Fault('released while the table has it')
        yield 'release', x._replace(byte=NONE, alloc=False, place='free')

    def allocate(self, x):
        """A thread claims the slot for its run, hands it out or gives it back."""
        if not x.alloc and x.place == 'object':
            raise Fault(f'an allocator takes the slot of an object that is {x.byte}')
        if not x.alloc and x.birth == 0 and x.b == 'idle' and x.b_has is None:
            yield 'B claims a run', x._replace(alloc=True, place='run')
        if x.place == 'run':
            yield 'B gets the slot', x._replace(place='object', birth=1, b_has=1, told=0)
            yield 'B retires its run', x._replace(alloc=False, place='free')

    # ---- The notifier ----

    def notify(self, x):
        lock = 'N' if self.keeps == 'all' else None
        if x.n == 'idle' and x.byte == COND and x.listed and (not lock or x.lock is None):
            x = x._replace(lock=lock or x.lock)
            if self.claims_by_cas:
                yield 'N claims', x._replace(byte=CLAIM, n='claimed')
            else:
                yield 'N sees it condemned', x._replace(n='seen')
        elif x.n == 'seen':
            yield 'N claims by a store', x._replace(byte=CLAIM, n='claimed')
        elif x.n == 'claimed':
            yield from self.call(x)
        elif x.n == 'called':
            yield from self.enter(x)
        elif x.n in ('locked', 'kept', 'end'):
            yield from self.decide(x)

    def call(self, x):
        if x.byte != CLAIM or x.place != 'object':
            raise Fault(f'N calls for a slot that is {x.byte}, {x.place}')
        if x.told:
            raise Fault('notified twice')
        again = x.keeps < START.keeps
        yield 'N calls again' if again else 'N calls', x._replace(told=1, n='called')

    def enter(self, x):
        """The notifier takes the table's lock; a weak reference needs none."""
        if self.reader == 'cell':
            yield 'N clears the cell', x._replace(entry=False, grace=False, n='end')
        elif x.lock in (None, 'N') and (x.lock is None or self.keeps == 'all'):
            yield 'N locks', x._replace(lock='N', n='locked')

    def decide(self, x):
        unlocked = x.lock if self.keeps == 'all' else None
        if x.n == 'locked':
            yield from self.unlink(x, unlocked)
            if self.keeps and x.keeps and (not x.twin or self.keeps in ('late', 'blind')):
                y = x._replace(lock=unlocked, keeps=x.keeps - 1)
                if self.keeps in ('early', 'blind', 'twice'):
                    yield 'N keeps', self.kept(y, 'kept' if self.keeps == 'twice' else 'idle')
                else:
                    yield 'N will keep', y._replace(n='kept')
        elif x.n == 'kept':
            yield 'N keeps', self.kept(x, 'idle')._replace(lock=self.freed_lock(x))
        elif x.n == 'end':
            byte = DONE if x.byte == CLAIM else x.byte
            yield 'N is done', x._replace(byte=byte, n='idle', lock=self.freed_lock(x))

    @staticmethod
    def kept(x, then):
        if x.byte == COND:
            raise Fault('a verdict is stored over a new death')
        return x._replace(byte=NONE, n=then)

    def freed_lock(self, x):
        return None if self.keeps == 'all' else x.lock

    def unlink(self, x, lock):
        y = x._replace(lock=lock, grace=False, n='end')
        if self.unlinks_by == 'key' and x.twin:
            raise Fault('a live object is removed from the table')
        yield 'N unlinks', y._replace(entry=False)

    # ---- A's look-up ----

    def look_up(self, x):
        locked = self.reader == 'lock'
        if x.a_has:
            yield 'A drops it', x._replace(a_has=False)
        elif x.a == 'idle' and x.lookups and not (locked and x.lock):
            yield 'A looks up', x._replace(a='walk', lookups=x.lookups - 1,
                                           lock='A' if locked else x.lock)
        elif x.a == 'walk' and x.entry:
            yield 'A reads the address', x._replace(a='compare', a_reg=True)
        elif x.a == 'walk':
            yield 'A misses', self.leave(x)
        elif x.a == 'compare':
            yield from self.compare(x)
        elif x.a == 'insert' and x.lock in (None, 'A'):
            yield from self.insert(x)
        elif x.a in ('byte', 'cas', 'again', 'ok'):
            yield from self.revive(x)

    def leave(self, x, **changes):
        lock = None if x.lock == 'A' else x.lock
        return x._replace(**{'a': 'idle', 'a_reg': False, 'lock': lock, **changes})

    def compare(self, x):
        if self.reader != 'cell' and (x.birth != 0 or x.place != 'object'):
            yield 'A finds another key', self.leave(x)
            return
        lock = x.lock if self.revives_locked or x.lock != 'A' else None
        yield 'A compares', x._replace(a='byte', lock=lock)

    def revive(self, x):
        found = 'again' if self.reader == 'cell' and self.reads_again else 'ok'
        if x.a == 'byte' and x.byte == NONE:
            yield 'A sees it live', x._replace(a=found)
        elif x.a == 'byte' and x.byte == COND:
            yield 'A sees it condemned', x._replace(a='cas')
        elif x.a == 'byte':
            yield 'A is too late', self.too_late(x)
        elif x.a == 'cas' and x.byte == COND:
            yield 'A revives', x._replace(byte=NONE, a=found)
        elif x.a == 'cas':
            yield 'A fails to revive', x._replace(a='byte')
        elif x.a == 'again':
            yield 'A reads again', x._replace(a='ok') if x.entry else self.leave(x)
        elif x.a == 'ok':
            yield 'A has it', self.leave(x, a_has=True)

    def too_late(self, x):
        if self.reader == 'cell' or x.twin:
            return self.leave(x)
        return x._replace(a='insert', a_reg=False)

    def insert(self, x):
        """An equal object is made, unless the first one came back meanwhile."""
        if x.entry and x.birth == 0 and x.byte in (NONE, COND):
            yield 'A looks again', self.leave(x)
        else:
            yield 'A inserts a twin', self.leave(x, twin=True)

    # ---- B ----

    def hold_and_free(self, x):
        if x.b_has is not None:
            yield 'B drops it', x._replace(b_has=None)
        if x.b == 'freeing':
            lock = None if x.lock == 'B' else x.lock
            yield 'B lists it', x._replace(b='idle', listed=x.listed or self.lists_freed,
                                           lock=lock)
        elif self.frees and x.b_has == 0 and x.birth == 0 and not x.a_has:
            yield from self.free(x)
        if self.refree and x.byte == COND and x.birth == 0:
            if self.refree == 'skip':
                yield 'B skips the call', x._replace(byte=DONE, told=1)
            else:
                yield 'B frees a condemned one', x._replace(byte=NONE, alloc=False)

    def free(self, x):
        if self.frees == 'locked' and x.lock is not None:
            return
        lock = 'B' if self.frees == 'locked' else x.lock
        yield 'B frees', x._replace(byte=COND, told=0, listed=False, b='freeing', b_has=None,
                                    lock=lock)


class OrdinaryWeak:
    """A weak reference to an object of an ordinary kind: no byte, no revival.

    The reader's region keeps stops out; the block is classified, which clears
    the cells of its dead slots, before any of them can be claimed.
    """

    State = namedtuple('State', 'alloc birth old cell w seen holder has reads stops')
    start = State(True, 0, False, True, 'idle', None, 0, False, 2, 3)
    unreliable = ()
    wanted = {'stop: dead', 'classify', 'claim', 'W has it', 'W reads again'}

    defers = True
    reads_again = True
    clears_first = True

    def fault(self, x):
        if x.has and (not x.alloc or x.birth != x.seen):
            return f'W holds an object of birth {x.seen}, the slot has birth {x.birth}'
        return None

    def is_end(self, x):
        return x.w == 'idle'

    def places(self, x):
        return f'W {x.w}'

    def steps(self, x):
        if x.holder is not None:
            yield 'B drops it', x._replace(holder=None)
        if x.stops and (x.w == 'idle' or not self.defers):
            marked = x.holder is not None or x.has
            dead = x.alloc and not marked
            yield ('stop: dead' if dead else 'stop'), x._replace(
                stops=x.stops - 1, alloc=x.alloc and marked, old=x.old or dead)
        if x.old:
            cell = x.cell and x.alloc if self.clears_first else x.cell
            yield 'classify', x._replace(old=False, cell=cell)
        if not x.alloc and not x.old and x.birth == 0:
            yield 'claim', x._replace(alloc=True, birth=1, holder=1)
        yield from self.get(x)

    def get(self, x):
        if x.has:
            yield 'W drops it', x._replace(has=False, seen=None)
        elif x.w == 'idle' and x.reads:
            y = x._replace(reads=x.reads - 1)
            yield 'W reads', y._replace(w='bit', seen=0) if x.cell else y
        elif x.w == 'bit':
            done = 'again' if self.reads_again else 'ok'
            yield 'W tests the bit', x._replace(w=done) if x.alloc else self.none(x)
        elif x.w == 'again':
            yield 'W reads again', x._replace(w='ok') if x.cell else self.none(x)
        elif x.w == 'ok':
            yield 'W has it', x._replace(w='idle', has=True)

    @staticmethod
    def none(x):
        return x._replace(w='idle', seen=None)


def such(model=OneSlot, **choices):
    return type('Such', (model,), choices)


FREE_READERS = {'reader': 'region', 'grace': 'readers'}
CELL = {'reader': 'cell', 'defers': True, 'keeps': None}

VARIANTS = [
    sound('look-ups under the lock', such()),
    sound('look-ups without a lock', such(**FREE_READERS)),
    sound('release after a stop that does not find it', such(reader='region', grace='pin')),
    sound('the next stop as grace, if look-ups defer stops',
          such(reader='region', grace='stop', defers=True)),
    sound('claim, call and verdict under the lock', such(keeps='all')),
    sound('a weak reference', such(**CELL)),
    sound('a weak reference to an ordinary object', such(OrdinaryWeak)),
    sound('free under the lock', such(frees='locked')),
    mutant('unlock, then revive', such(revives_locked=False), 'A holds'),
    mutant('removal by key', such(unlinks_by='key'), 'a live object is removed'),
    mutant('a claim by load and store', such(claims_by_cas=False), 'holds an object'),
    mutant('release of a claimed slot', such(releases_early=True), 'without notification'),
    mutant('release without the readers grace', such(reader='region'), 'A holds'),
    mutant('the next stop as grace', such(reader='region', grace='stop'), 'A holds'),
    mutant('look-ups that defer stops, no grace', such(reader='region', defers=True),
           'A holds'),
    mutant('run tails not marked', such(marks_tails=False), 'never an object'),
    mutant('a pending slot without its bit', such(keeps_bit=False), 'allocator takes'),
    mutant('kept after the lock', such(keeps='late'), 'equal keys'),
    mutant('kept beside its twin', such(keeps='blind'), 'equal keys'),
    mutant('kept twice', such(keeps='twice'), 'over a new death'),
    mutant('free without the lock', such(frees='bare'), 'A holds'),
    mutant('free, readers without a lock', such(frees='locked', **FREE_READERS), 'A holds'),
    mutant('a freed object that is not listed', such(frees='locked', lists_freed=False),
           'deadlock: COND'),
    mutant('free of a condemned object skips the call', such(refree='skip'),
           'while the table has it'),
    mutant('free of a condemned object frees it', such(refree='clear'), 'allocator takes'),
    mutant('a weak reference read once', such(reads_again=False, **CELL), 'A holds'),
    mutant('a weak get that a stop may split', such(**{**CELL, 'defers': False}), 'A holds'),
    mutant('an ordinary weak reference read once', such(OrdinaryWeak, reads_again=False),
           'W holds'),
    mutant('an ordinary weak get that a stop may split', such(OrdinaryWeak, defers=False),
           'W holds'),
    mutant('cells not cleared before a claim', such(OrdinaryWeak, clears_first=False),
           'W holds'),
]

if __name__ == '__main__':
    sys.exit(main(VARIANTS))
