#!/usr/bin/env python3
# tests/model/held.py: what notifiers may read stays intact. SPDX-License-Identifier: MIT
#
# Two or three slots of kinds with held references and one ordinary object O.
# Mutators find objects in a table and revive them, notifiers run and may read
# everything that their object reaches, collections come while slots are
# pending.  An end is a state in which everything that was condemned is decided
# and released.
#
# References are edges, 'PO' from P to O.  Only those in `movable` change: a
# mutator that holds P may take what P refers to and clear the field.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import Fault, main, mutant, sound  # noqa: E402

NONE, COND, CLAIM, DONE, GONE = 'NONE', 'COND', 'CLAIM', 'DONE', 'GONE'
PENDING = (COND, CLAIM)

State = namedtuple('State', [
    'byte',         # state byte of each slot; GONE when released
    'batch',        # the collection that condemned it
    'o_alloc',      # O's bit in the allocation map
    'o_taken',      # O's memory belongs to somebody else
    'edges',
    'held',         # held bits
    'roots',        # what mutators hold
    'stale',        # a slot that a forgotten word or an unfinished look-up names
    'order',        # who is told next
    'lock',         # owner of the drain lock
    'walk',         # what its owner still does: (step, object) pairs
    'target',       # what it revives or keeps
    'n',            # notifier threads: (where, object) each
    'trace',        # objects still to visit outside the stop, or None
    'collections',  # so far
    'left',         # still to come
    'keeps'])       # still to come


def reach(edges, start, through=lambda node: True):
    """Nodes from start on in order of a depth-first visit; start included."""
    seen, stack = [], [start]
    while stack:
        node = stack.pop()
        if node not in seen and through(node):
            seen.append(node)
            stack += [e[1] for e in sorted(edges, reverse=True) if e[0] == node]
    return seen


def postorder(edges, start, through):
    """The same nodes, each after those that it refers to, cycles apart."""
    seen, out = set(), []

    def visit(node):
        if node in seen or not through(node):
            return
        seen.add(node)
        for edge in sorted(edges):
            if edge[0] == node:
                visit(edge[1])
        out.append(node)

    visit(start)
    return out


class Held:
    slots = 'PC'
    edges = ('PO', 'OC')
    movable = ()
    threads = 1
    collections = 3
    keeps = 1

    locked = True            # claims, revivals and keeps under the drain lock
    walks = 'twice'          # twice: what is reached is listed and what is too late
    #                          reported, then the bytes of the list change; once:
    #                          listed, each change at its visit; up: the same, the
    #                          object last; fly: fields are read at the visit
    fast_look_up = True      # a look-up that sees NONE takes no lock
    closure_kept = True
    reports = True           # on_revive is told of CLAIM and DONE
    marks_through = ()       # pending slots with these bytes that marking goes on from
    examine_revives = False  # what was marked and COND is live again
    claim_is_source = True   # of the hold trace, as COND is
    through_done = True      # the hold trace passes through DONE
    walk_bound = 'held'      # a walk stays in what is held; all: it leaves it
    stale_words = False
    clears_held = True
    ordered = True
    release = 'batch'        # batch, early, block (only the same collection's are
    #                          waited for), pin (batch, or neither marked nor held
    #                          in a stop)
    outside = False          # the hold trace runs outside the stop
    gate = True
    revive_waits = True      # for the hold trace
    revive_marks = True      # O on its way
    trace_locks = True       # the drain lock is free when the gate opens
    sticks = False           # a notifier may stay away for ever
    unreliable = {'N goes on'}
    wanted = {'collect: condemned', 'M revives', 'N keeps', 'release', 'O is taken'}

    def __init__(self):
        n = len(self.slots)
        self.start = State((NONE,) * n, (0,) * n, True, False, frozenset(self.edges),
                           frozenset(), frozenset(self.slots + 'O'), None, (), None, (), None,
                           (('idle', None),) * self.threads, None, 0, self.collections,
                           self.keeps)
        self.cyclic = any(s in reach(self.edges, e[1]) for s in self.slots
                          for e in self.edges if e[0] == s)

    # ---- Small things ----

    def byte(self, x, node):
        return x.byte[self.slots.index(node)] if node in self.slots else None

    def put(self, values, node, value):
        i = self.slots.index(node)
        return values[:i] + (value,) + values[i + 1:]

    def set_byte(self, x, node, value):
        return x._replace(byte=self.put(x.byte, node, value))

    def is_lost(self, x, node):
        return x.o_taken if node == 'O' else self.byte(x, node) == GONE

    # ---- Judgement ----

    def fault(self, x):
        for root in sorted(x.roots):
            for node in reach(x.edges, root):
                fault = self.fault_of_live(x, node)
                if fault:
                    return fault
        for slot in self.slots:
            if self.byte(x, slot) in PENDING:
                for node in reach(x.edges, slot):
                    if self.is_lost(x, node):
                        return f'{slot}, {self.byte(x, slot)}, refers to {node}, reused'
        return None

    def fault_of_live(self, x, node):
        if self.is_lost(x, node):
            return f'live objects refer to {node}, reused'
        if self.byte(x, node) in (CLAIM, DONE):
            return f'live objects refer to {node}, {self.byte(x, node)}'
        if self.byte(x, node) == COND and x.lock is None:
            return f'live objects refer to {node}, COND'
        return None

    def is_end(self, x):
        stuck = [node for where, node in x.n if where == 'stuck']
        pinned = {node for s in stuck for node in reach(x.edges, s)}
        return (x.lock is None and x.trace is None
                and all(where in ('idle', 'stuck') for where, _ in x.n)
                and all(b in (NONE, GONE) or s in pinned for s, b in zip(self.slots, x.byte)))

    def places(self, x):
        slots = ', '.join(f'{s} {b}' for s, b in zip(self.slots, x.byte))
        return slots + ''.join(f', N {where} {node}' for where, node in x.n if node)

    def steps(self, x):
        yield from self.collect(x)
        yield from self.go_on_tracing(x)
        yield from self.mutate(x)
        yield from self.go_on_walking(x)
        for i in range(self.threads):
            yield from self.notify(x, i)
        yield from self.release_done(x)
        if not x.o_alloc and not x.o_taken and (x.trace is None or not self.gate):
            yield 'O is taken', x._replace(o_taken=True)

    # ---- A collection ----

    def collect(self, x):
        stuck = any(where == 'stuck' for where, _ in x.n)
        awaited = stuck and self.release == 'pin' and DONE in x.byte
        if x.lock is None and x.trace is None and (x.left or awaited):
            yield from self.collect_now(x)

    def collect_now(self, x):
        marked = self.mark(x)
        dead = [s for s in self.slots if self.byte(x, s) == NONE and s not in marked]
        byte, batch, number = x.byte, x.batch, x.collections + (x.left > 0)
        if self.examine_revives:
            byte = tuple(NONE if b == COND and s in marked else b
                         for s, b in zip(self.slots, byte))
        for slot in dead:
            byte, batch = self.put(byte, slot, COND), self.put(batch, slot, number)
        y = x._replace(byte=byte, batch=batch, collections=number, left=max(x.left - 1, 0),
                       o_alloc=x.o_alloc and 'O' in marked, order=(),
                       held=frozenset() if self.clears_held else x.held)
        sources = tuple(s for s in self.slots if self.is_source(y, s))
        label = 'collect: condemned' if dead else 'collect'
        if self.outside and sources:
            yield label, y._replace(trace=sources[::-1])
        else:
            yield label, self.unpin(self.trace_in_stop(y, sources, x.o_alloc), marked)

    def mark(self, x):
        """A stopped notifier's registers hold its object, and hit it like any word."""
        def stops_at(node):
            return self.byte(x, node) not in (None, NONE) + self.marks_through

        roots = set(x.roots) | {node for _, node in x.n if node} | {x.stale} - {None}
        edges = {e for e in x.edges if not stops_at(e[0])}
        return {node for root in roots for node in reach(edges, root)}

    def is_source(self, x, slot):
        return self.byte(x, slot) in (PENDING if self.claim_is_source else (COND,))

    def enters(self, x, o_old):
        """True for what the hold trace visits: everything that is not live."""
        def through(node):
            if node in x.held:
                return False
            if node == 'O':
                return o_old and not x.o_alloc
            return self.byte(x, node) in PENDING + ((DONE,) if self.through_done else ())
        return through

    def trace_in_stop(self, x, sources, o_old):
        done, held, o_alloc = [], x.held, x.o_alloc
        for source in sources:
            y = x._replace(held=held)
            for node in postorder(x.edges, source, self.enters(y, o_old)):
                done.append(node)
                held, o_alloc = held | {node}, o_alloc or node == 'O'
        order = tuple(s for s in done[::-1] if self.byte(x, s) == COND)
        return x._replace(held=held, o_alloc=o_alloc, order=order)

    def unpin(self, x, marked):
        """Nobody can reach what is neither marked nor held."""
        if self.release == 'pin':
            for slot in self.slots:
                if self.byte(x, slot) == DONE and slot not in marked | x.held:
                    x = self.give_back(x, slot)
        return x

    def go_on_tracing(self, x):
        """Outside the stop: one object a step, its fields as they are then."""
        if x.trace is None:
            return
        if not x.trace:
            order = tuple(s for s in self.slots if self.byte(x, s) == COND)
            if x.lock is None or not self.trace_locks:
                yield 'the trace ends', x._replace(trace=None, order=order)
            return
        node, rest = x.trace[-1], x.trace[:-1]
        if self.enters(x, True)(node):
            rest += tuple(e[1] for e in sorted(x.edges) if e[0] == node)
            x = x._replace(held=x.held | {node}, o_alloc=x.o_alloc or node == 'O')
        yield f'the trace visits {node}', x._replace(trace=rest)

    def release_done(self, x):
        for slot, number in zip(self.slots, x.batch):
            if self.byte(x, slot) == DONE and not self.is_awaited(x, number):
                yield 'release', self.give_back(x, slot)

    def is_awaited(self, x, number):
        """True while a slot must wait for others before it is released."""
        if self.release == 'early':
            return False
        return any(b in PENDING and (n == number if self.release == 'block' else n <= number)
                   for b, n in zip(x.byte, x.batch))

    def give_back(self, x, slot):
        edges = frozenset(e for e in x.edges if e[0] != slot)
        return self.set_byte(x, slot, GONE)._replace(edges=edges)

    # ---- Mutators ----

    def mutate(self, x):
        for node in sorted(x.roots):
            yield f'M drops {node}', x._replace(roots=x.roots - {node})
            for edge in sorted(x.edges):
                if edge[0] == node and edge in self.movable:
                    yield f'M moves {edge}', x._replace(roots=x.roots | {edge[1]},
                                                        edges=x.edges - {edge})
        for slot in self.slots:
            yield from self.find(x, slot)
            if self.stale_words and x.stale is None and self.byte(x, slot) != GONE:
                yield f'a word names {slot}', x._replace(stale=slot)
        if x.stale:
            yield 'the word goes', x._replace(stale=None)

    def find(self, x, slot):
        """A look-up of an object whose address the table has."""
        byte = self.byte(x, slot)
        unlocked = x.lock is None or not self.locked and x.target is None
        if byte == NONE and slot not in x.roots and (self.fast_look_up or unlocked):
            yield f'M finds {slot} live', x._replace(roots=x.roots | {slot})
        elif byte == COND and unlocked and not (self.revive_waits and x.trace is not None):
            yield f'M begins to revive {slot}', x._replace(
                lock='M', target=slot, walk=self.plan(x, slot))

    # ---- Walks through what is not live ----

    def plan(self, x, start):
        """What the owner of the drain lock does to revive or keep an object."""
        def through(node):
            if node != 'O':
                return self.byte(x, node) != NONE
            return 'O' in x.held or not x.o_alloc or self.walk_bound == 'all'

        if self.walks == 'fly':
            return (('visit', start),)
        if self.walks == 'up':
            return tuple(('visit', n) for n in postorder(x.edges, start, through))
        nodes = reach(x.edges, start, through)
        visits = tuple(('visit', n) for n in nodes)
        return tuple(('check', n) for n in nodes) + visits if self.walks == 'twice' else visits

    def go_on_walking(self, x):
        if x.target is None:
            return
        if not x.walk:
            yield from self.end_walk(x)
            return
        (step, node), rest = x.walk[0], x.walk[1:]
        byte = self.byte(x, node)
        y = x._replace(walk=rest)
        if step == 'visit' and (byte == COND or node == x.target and x.lock == 'N'):
            y = self.then_fields(self.set_byte(y, node, NONE), node)
        elif step == 'follow':
            y = self.follow(y, node)
        elif step == 'visit' and node == 'O' and (self.walks != 'fly' or 'O' in x.held
                                                  or not x.o_alloc):
            y = y._replace(o_alloc=y.o_alloc or self.revive_marks, held=y.held - {'O'})
            y = self.then_fields(y, node)
        elif byte in (CLAIM, DONE) and (node != x.target or x.lock == 'M'):
            y = self.report(x, y, node)
        yield f'{x.lock} {step}s {node}', y

    def then_fields(self, x, node):
        if self.walks != 'fly':
            return x
        return x._replace(walk=(('follow', node),) + x.walk)

    @staticmethod
    def follow(x, node):
        """What the fields of the object refer to now is visited next."""
        fields = sorted(e for e in x.edges if e[0] == node)
        return x._replace(walk=tuple(('visit', e[1]) for e in fields) + x.walk)

    def report(self, x, y, node):
        """on_revive drops the references to an object that is too late."""
        if node == x.target or not self.locked and self.byte(x, x.target) != COND:
            return y._replace(walk=())
        if not self.cyclic and not self.sticks:
            raise Fault(f'{node} is {self.byte(x, node)} before what refers to it')
        if not self.reports:
            return y
        return y._replace(edges=frozenset(e for e in y.edges if e[1] != node))

    def end_walk(self, x):
        y = x._replace(lock=None, target=None)
        if x.lock == 'N':
            i = x.n.index(('keep', x.target))
            y = self.moved(self.set_byte(y, x.target, NONE), i)
            yield 'N keeps', y
            yield 'N keeps and stores it', y._replace(roots=y.roots | {x.target})
        elif self.byte(x, x.target) == NONE:
            yield 'M revives', y._replace(roots=y.roots | {x.target})
        else:
            yield 'M is too late', y

    # ---- Notifiers ----

    def notify(self, x, i):
        where, node = x.n[i]
        if where == 'idle' and (i == 0 or x.n[0][0] == 'stuck'):
            yield from self.claim(x, i)
        elif where == 'run':
            yield f'N is done with {node}', self.moved(self.set_byte(x, node, DONE), i)
            if x.keeps and x.lock is None:
                walk = self.plan(x, node) if self.closure_kept else ()
                yield f'N begins to keep {node}', self.moved(x, i, 'keep', node)._replace(
                    lock='N', target=node, walk=walk, keeps=x.keeps - 1)
            if self.sticks and i == 0:
                yield f'N is stuck in {node}', self.moved(x, i, 'stuck', node)
        elif where == 'stuck':
            yield 'N goes on', self.moved(x, i, 'run', node)

    def claim(self, x, i):
        if x.lock is not None and self.locked:
            return
        heads = x.order[:1] if self.ordered else x.order
        for node in heads:
            y = x._replace(order=tuple(n for n in x.order if n != node))
            if self.byte(x, node) == COND:
                y = self.moved(self.set_byte(y, node, CLAIM), i, 'run', node)
                yield f'N claims {node}', y
            else:
                yield f'N skips {node}', y

    @staticmethod
    def moved(x, i, where='idle', node=None):
        return x._replace(n=x.n[:i] + ((where, node),) + x.n[i + 1:])


def such(**choices):
    return type('Such', (Held,), choices)


CYCLE = {'edges': ('PO', 'OC', 'CP')}
MOVING = {'movable': ('PO',)}
STALE = {'stale_words': True}
SLOW = {'fast_look_up': False}
OUTSIDE = {'outside': True, **MOVING}
HELPING = {'revive_waits': False, **OUTSIDE}
STUCK = {'slots': 'PCD', 'sticks': True, 'threads': 2, 'collections': 2}

VARIANTS = [
    sound('a chain', such(**MOVING)),
    sound('a cycle', such(**CYCLE, **MOVING)),
    sound('a chain and stale words', such(**STALE)),
    sound('a cycle and stale words', such(**STALE, **CYCLE)),
    mutant('early release', such(release='early', **CYCLE), 'P, reused'),
    mutant('keep without the closure', such(closure_kept=False), 'live objects refer to C, COND'),
    mutant('on_revive not told', such(reports=False, **CYCLE), 'live objects refer to P, CLAIM'),
    mutant('children before parents', such(ordered=False), 'C is CLAIM before'),

    # The hold trace in the stop.
    mutant('held bits not cleared', such(clears_held=False), 'P, COND, refers to O, reused'),
    mutant('a claimed slot is no source', such(claim_is_source=False),
           'P, CLAIM, refers to O, reused'),
    mutant('the trace ends at DONE', such(through_done=False, **CYCLE), 'refers to O, reused'),
    mutant('marking goes on from what is claimed', such(marks_through=(CLAIM,)),
           'live objects refer to C, COND'),
    mutant('marking goes on from what is condemned', such(marks_through=(COND,), **STALE),
           'live objects refer to C, COND'),
    mutant('marking goes on, walks leave what is held',
           such(marks_through=PENDING, walk_bound='all', **STALE), 'C is CLAIM before'),
    sound('marking goes on, examine revives what it met',
          such(marks_through=(COND,), examine_revives=True, **STALE)),
    mutant('marking goes on, examine revives what it met, a cycle',
           such(marks_through=(COND,), examine_revives=True, **STALE, **CYCLE),
           'live objects refer to P, CLAIM'),
    sound('marking goes on from what is notified',
          such(marks_through=(DONE,), **STALE, **CYCLE)),

    # Walks to revive and to keep.
    sound('one pass', such(walks='once', **MOVING)),
    mutant('one pass in a cycle', such(walks='once', **CYCLE), 'live objects refer to P, CLAIM'),
    mutant('one pass in a cycle, look-ups locked', such(walks='once', **SLOW, **CYCLE),
           'live objects refer to P, reused'),
    mutant('the object last in a cycle', such(walks='up', **CYCLE),
           'live objects refer to P, CLAIM'),
    sound('the object last in a cycle, look-ups locked', such(walks='up', **SLOW, **CYCLE)),
    mutant('fields read on the way', such(walks='fly', **MOVING),
           'live objects refer to C, COND'),
    sound('fields read on the way, look-ups locked', such(walks='fly', **SLOW, **MOVING)),
    mutant('no drain lock', such(locked=False), 'live objects refer to C, CLAIM'),
    sound('no drain lock, the object last', such(locked=False, walks='up')),
    mutant('no drain lock, the object last in a cycle',
           such(locked=False, walks='up', **SLOW, **CYCLE), 'live objects refer to P, CLAIM'),

    # The hold trace outside the stop.
    sound('outside: a chain', such(**OUTSIDE)),
    sound('outside: a cycle', such(**OUTSIDE, **CYCLE)),
    sound('outside: revival does not wait', such(collections=2, **HELPING)),
    sound('outside: revival does not wait, a cycle', such(collections=2, **HELPING, **CYCLE)),
    mutant('outside: revival neither waits nor marks', such(revive_marks=False, **HELPING),
           'live objects refer to O, reused'),
    mutant('outside: keeping marks nothing on its way',
           such(revive_marks=False, **OUTSIDE), 'live objects refer to O, reused'),
    mutant('outside: the gate opens during a revival', such(trace_locks=False, **HELPING),
           'refer to O, reused'),
    mutant('outside: the gate left open', such(gate=False, **OUTSIDE), 'refers to O, reused'),

    # A notifier that stays away; another thread takes over.
    sound('stuck: what a stop finds unreachable is released', such(release='pin', **STUCK)),
    mutant('stuck: all wait for it', such(**STUCK),
           'D DONE, N stuck'),
    mutant('stuck: later collections do not wait', such(release='block', **STUCK),
           'P, CLAIM, refers to C, reused'),
    mutant('stuck: early release', such(release='early', **STUCK),
           'P, CLAIM, refers to C, reused'),
]

if __name__ == '__main__':
    sys.exit(main(VARIANTS))
