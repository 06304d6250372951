#!/usr/bin/env python3
# tests/model/drain.py: who waits for whom. SPDX-License-Identifier: MIT
#
# A mutator M, notifier threads (the second replaces the first when that one is
# stuck), a service thread and two or three slots. M and the notifiers take the same
# table lock and the allocator lock of the interface, allocate under limits,
# drain, collect, fork and exit. Waits have no timeout unless a variant says so:
# a wait that only a timeout ends is a stall, and this is the place to find it.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import main, mutant, sound  # noqa: E402

NONE, COND, CLAIM, DONE = 'NONE', 'COND', 'CLAIM', 'DONE'
LOST, GONE = 'LOST', 'GONE'

State = namedtuple('State', [
    'byte',
    'told',      # notifications of each slot
    'm',         # where M is
    'n',         # notifier threads: (where, slot) each
    'table',     # owner of the table's lock: None, M, or a notifier's number
    'api',       # owner of the allocator lock of the interface
    'gate',      # allocators wait for the hold trace
    'request',   # somebody wants a collection
    'left',      # operations that M still does
    'child',     # this is the child of a fork
    'over'])     # None, exit (the process ended), quiet (the table is destroyed)

RUNNING = ('run', 'want table', 'in table', 'want api', 'in api', 'allocate', 'drain',
           'collect', 'exit', 'ending', 'forking')


class Drain:
    slots = 2
    operations = 2
    threads = 1
    limit = 1                # pending slots from which on allocators wait

    exempt = ('notifier', 'nowait', 'owner')  # who never waits for that
    counts_stuck = False     # a stuck slot counts as pending
    drain_skips_stuck = True
    sticks = False
    api_owner_defers = True  # it leaves a request instead of collecting
    notifier_defers = True   # so does a notifier
    allocates = True         # notifiers do
    drain_refuses = True     # EDEADLK in a notifier
    exit_waits = False       # for notifiers, when a notifier calls it
    service_notifies = False  # one thread for both
    quiesce_waits = True     # for running notifiers, not only for waiting slots
    forks = False
    fork_times_out = True    # the wait for a running notifier
    fork_takes_table = True
    child = 'lost'           # slots in flight: lost, again (condemned), kept (claimed)
    unreliable = {'N goes on'}

    def __init__(self):
        self.start = State((NONE,) * self.slots, (0,) * self.slots, 'idle',
                           (('idle', None),) * self.threads, None, None, False, False,
                           self.operations, False, None)
        self.wanted = {'M collects', 'M need not wait', 'N is done', 'S releases',
                       'M has drained', 'M is quiet', 'the process exits'}
        if self.forks:
            self.wanted |= {'M forks: child', 'N forks: child', 'a slot is lost'}

    # ---- Judgement ----

    def fault(self, x):
        if max(x.told) > 1:
            return 'notified twice'
        for byte, told in zip(x.byte, x.told):
            if byte in (DONE, GONE) and told == 0:
                return f'{byte} without notification'
        if x.over == 'quiet' and any(where in RUNNING + ('stuck',) for where, _ in x.n):
            return 'a notifier runs when its table is destroyed'
        return None

    def is_end(self, x):
        if x.over == 'exit':
            return True
        stuck = [slot for where, slot in x.n if where == 'stuck']
        return (x.m == 'idle' and x.table is None and x.api is None and not x.request
                and all(where in ('idle', 'stuck') for where, _ in x.n)
                and all(b in (NONE, LOST, GONE) or i in stuck for i, b in enumerate(x.byte)))

    def places(self, x):
        threads = [f'M {x.m}'] + [f'N {where}' for where, _ in x.n if where != 'idle']
        locks = [f'table locked by {x.table}'] if x.table is not None else []
        return ', '.join(threads + locks + [b for b in x.byte if b != NONE])

    def steps(self, x):
        if x.over == 'exit':
            return
        yield from self.serve(x)
        yield from self.mutate(x)
        for i in range(self.threads):
            yield from self.notify(x, i)

    # ---- Small things ----

    def pending(self, x):
        """What back-pressure counts."""
        stuck = [slot for where, slot in x.n if where == 'stuck']
        return sum(b in (COND, CLAIM, DONE) and (self.counts_stuck or i not in stuck)
                   for i, b in enumerate(x.byte))

    def undecided(self, x, skip_stuck):
        stuck = [slot for where, slot in x.n if where == 'stuck' and skip_stuck]
        return any(b in (COND, CLAIM) and i not in stuck for i, b in enumerate(x.byte))

    @staticmethod
    def put(values, i, value):
        return values[:i] + (value,) + values[i + 1:]

    def at(self, x, i, where, slot=None):
        return x._replace(n=self.put(x.n, i, (where, slot)))

    def condemned(self, x):
        """A collection: everything still live has died, or the first of it."""
        live = [i for i, b in enumerate(x.byte) if b == NONE]
        yield x._replace(request=False)
        for dead in {tuple(live), tuple(live[:1])} - {()}:
            byte = tuple(COND if i in dead else b for i, b in enumerate(x.byte))
            yield x._replace(byte=byte, request=False, gate=True)

    # ---- The service thread ----

    def serve(self, x):
        busy = any(where in RUNNING for where, _ in x.n) and self.service_notifies
        if busy:
            return
        if x.gate:
            yield 'S opens the gate', x._replace(gate=False)
        for i, byte in enumerate(x.byte):
            if byte == DONE:
                yield 'S releases', x._replace(byte=self.put(x.byte, i, GONE))
        if x.request and x.api is None:
            for y in self.condemned(x):
                yield 'S collects', y

    # ---- The mutator ----

    def mutate(self, x):
        if x.m == 'idle' and x.left and not x.over:
            yield from self.begin(x._replace(left=x.left - 1))
        elif x.m in ('in table', 'in api'):
            yield from self.inside(x)
        elif x.m.startswith('allocate'):
            yield from self.allocate(x)
        elif x.m in ('drain', 'quiesce', 'shutdown'):
            yield from self.wait(x)
        elif x.m.startswith('fork'):
            yield from self.fork(x)

    def begin(self, x):
        if x.table is None:
            yield 'M locks the table', x._replace(table='M', m='in table')
        if x.api is None:
            yield 'M locks the api', x._replace(api='M', m='in api')
            for y in self.condemned(x):
                yield 'M collects', y
        yield 'M allocates', x._replace(m='allocate')
        for call in ('drain', 'quiesce', 'shutdown'):
            yield f'M calls {call}', x._replace(m=call)
        if self.forks and not x.child:
            yield 'M begins to fork', x._replace(m='fork')

    def inside(self, x):
        """Operations under one of the two locks; then it is free again."""
        if x.m == 'in table':
            yield 'M unlocks the table', x._replace(table=None, m='idle')
            if self.forks and not x.child:
                yield 'M begins to fork', x._replace(m='fork in table')
        else:
            yield 'M unlocks the api', x._replace(api=None, m='idle')
            wants = x._replace(request=True) if self.api_owner_defers \
                else x._replace(m='waits for itself')
            if not x.request:
                yield 'M wants a collection', wants
        yield 'M allocates', x._replace(m='allocate ' + x.m)

    def allocate(self, x):
        """Back to where it was, when neither gate nor limit is in the way."""
        back = x.m[len('allocate '):] or 'idle'
        exempt = {'in table': 'nowait', 'in api': 'owner'}.get(back)
        if not x.gate and (self.pending(x) < self.limit or exempt in self.exempt):
            yield 'M need not wait', x._replace(m=back)

    def wait(self, x):
        if x.m == 'drain' and not self.undecided(x, self.drain_skips_stuck):
            yield 'M has drained', x._replace(m='idle')
        elif x.m == 'quiesce' and not self.is_noisy(x):
            yield 'M is quiet', x._replace(m='idle', over='quiet')
        elif x.m == 'shutdown' and not self.undecided(x, True):
            yield 'the process exits', x._replace(m='idle', over='exit')
        # A call runs that may never return: only the caller's timeout is left.
        if x.m == 'quiesce' and any(where == 'stuck' for where, _ in x.n):
            yield 'M gives up', x._replace(m='idle')

    def is_noisy(self, x):
        waiting = (COND, CLAIM) if self.quiesce_waits else (COND,)
        return x.request or any(b in waiting for b in x.byte)

    # ---- Fork ----

    def fork(self, x):
        """First the running notifier, then the table's lock, then the child."""
        running = any(where in RUNNING for where, _ in x.n)
        if x.m in ('fork', 'fork in table') and (not running or self.fork_times_out):
            yield 'M waited for notifiers', x._replace(m=x.m.replace('fork', 'forks'))
        elif x.m == 'forks' and self.fork_takes_table and x.table is None:
            yield 'M locks for fork', x._replace(m='forks locked', table='M')
        elif x.m in ('forks in table', 'forks locked') or (
                x.m == 'forks' and not self.fork_takes_table):
            back = 'in table' if x.m == 'forks in table' else 'idle'
            table = None if x.m == 'forks locked' else x.table
            y = x._replace(m=back, table=table)
            if x.api is None:
                yield 'M forks: parent', y
                yield from self.become_child(y, None)

    def become_child(self, x, i):
        """Only the forking thread is there: M, or notifier i."""
        own = x.n[i] if i is not None else ('idle', None)
        flight = [s for j, (_, s) in enumerate(x.n) if s is not None and j != i]
        then = {'lost': LOST, 'again': COND, 'kept': CLAIM}[self.child]
        byte = tuple(then if s in flight else b for s, b in enumerate(x.byte))
        y = x._replace(byte=byte, n=(own,) + (('idle', None),) * (self.threads - 1), child=True)
        if flight and then == LOST:
            yield 'a slot is lost', y
        yield ('M' if i is None else 'N') + ' forks: child', y

    def fork_in_notifier(self, x, i, slot):
        """It does not wait for itself; the lock it takes unless it has it."""
        if x.table is None and x.api is None:
            y = self.at(x, i, 'ending', slot)
            yield 'N forks: parent', y
            yield from self.become_child(y._replace(m='idle', left=0), i)

    # ---- Notifiers ----

    def notify(self, x, i):
        where, slot = x.n[i]
        if where == 'idle' and (i == 0 or x.n[0][0] == 'stuck'):
            for s, byte in enumerate(x.byte):
                if byte == COND and not x.over and not x.gate:
                    y = x._replace(byte=self.put(x.byte, s, CLAIM))
                    yield 'N claims', self.at(y, i, 'claimed', s)
        elif where == 'claimed':
            y = x._replace(told=self.put(x.told, slot, x.told[slot] + 1))
            yield 'N calls', self.at(y, i, 'run', slot)
        elif where == 'run':
            yield from self.choose(x, i, slot)
        elif where == 'ending':
            y = x._replace(byte=self.put(x.byte, slot, DONE))
            yield 'N is done', self.at(y, i, 'idle')
        elif where == 'stuck':
            yield 'N goes on', self.at(x, i, 'ending', slot)
        else:
            yield from self.go_on(x, i, where, slot)

    def choose(self, x, i, slot):
        for then in ('want table', 'want api', 'ending') + ('allocate',) * self.allocates:
            yield f'N: {then}', self.at(x, i, then, slot)
        yield 'N drains', self.at(x, i, 'ending' if self.drain_refuses else 'drain', slot)
        if self.exit_waits:
            yield 'N exits', self.at(x, i, 'exit', slot)
        else:
            yield 'N exits', x._replace(over='exit')
        y = x._replace(request=x.left > 0)
        yield 'N wants a collection', self.at(y, i, 'ending' if self.notifier_defers
                                              else 'collect', slot)
        if self.sticks and i == 0:
            yield 'N is stuck', self.at(x, i, 'stuck', slot)
        if self.forks and not x.child:
            yield from self.fork_in_notifier(x, i, slot)

    def go_on(self, x, i, where, slot):
        y = self.at(x, i, 'ending', slot)
        if where == 'want table' and x.table is None:
            yield 'N locks the table', self.at(x, i, 'in table', slot)._replace(table=i)
        elif where == 'in table':
            yield 'N unlocks the table', y._replace(table=None)
        elif where == 'want api' and x.api is None:
            yield 'N locks the api', self.at(x, i, 'in api', slot)._replace(api=i)
        elif where == 'in api':
            yield 'N unlocks the api', y._replace(api=None)
        elif where == 'allocate' and not x.gate and (
                'notifier' in self.exempt or self.pending(x) < self.limit):
            yield 'N need not wait', y
        elif where in ('drain', 'exit', 'collect') and not self.undecided(x, False):
            yield f'N has waited to {where}', y


def such(**choices):
    return type('Such', (Drain,), choices)


STUCK = {'sticks': True, 'threads': 2}
FORKS = {'forks': True}
DEEP = {'operations': 4, 'slots': 3}

VARIANTS = [
    sound('waits and exemptions', such(**DEEP)),
    mutant('a notifier waits at the limit', such(exempt=('nowait', 'owner')),
           'M idle, N allocate'),
    mutant('a nowait section waits at the limit', such(exempt=('notifier', 'owner')),
           'M allocate in table, N want table'),
    mutant('an owner of the api lock waits at the limit', such(exempt=('notifier', 'nowait')),
           'M allocate in api, N want api'),
    mutant('an owner of the api lock collects', such(api_owner_defers=False),
           'M waits for itself'),
    mutant('a notifier waits for its collection', such(notifier_defers=False), 'N collect'),
    mutant('a notifier drains', such(drain_refuses=False), 'N drain'),
    mutant('exit in a notifier waits for notifiers', such(exit_waits=True), 'N exit'),
    mutant('one thread serves and notifies', such(service_notifies=True), 'N allocate'),
    mutant('one thread serves and notifies without allocating',
           such(service_notifies=True, allocates=False, operations=3),
           'M allocate in table, N want table'),
    mutant('quiesce overlooks the running notifier', such(quiesce_waits=False),
           'its table is destroyed'),
    sound('a stuck notifier', such(**DEEP, **STUCK)),
    mutant('a stuck notifier, nobody takes over', such(sticks=True),
           'N stuck, CLAIM, COND'),
    mutant('a stuck notifier, its slot counts as pending', such(counts_stuck=True, **STUCK),
           'M allocate, N stuck'),
    mutant('a stuck notifier, drain waits for it', such(drain_skips_stuck=False, **STUCK),
           'M drain, N stuck'),
    sound('fork', such(**DEEP, **FORKS)),
    sound('fork and a stuck notifier', such(slots=3, operations=3, **FORKS, **STUCK)),
    mutant('fork waits for the notifier for ever', such(fork_times_out=False, **FORKS),
           'M fork in table, N want table'),
    mutant('fork without the lock of the table', such(fork_takes_table=False, **FORKS),
           'M idle, table locked by 0, LOST'),
    mutant('the child notifies again', such(child='again', **FORKS), 'notified twice'),
    mutant('the child waits for a slot in flight', such(child='kept', **FORKS),
           'M idle, CLAIM'),
]

if __name__ == '__main__':
    sys.exit(main(VARIANTS))
