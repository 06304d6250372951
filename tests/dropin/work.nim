# tests/dropin/work.nim: trees, text, tables, exceptions and threads of Nim. SPDX-License-Identifier: MIT
import std/[algorithm, sequtils, strutils, sugar, tables]

type Node = ref object
  left, right: Node
  key: int

proc grow(low, high: int): Node =
  if low > high: return nil
  let middle = (low + high) div 2
  Node(left: grow(low, middle - 1), right: grow(middle + 1, high), key: middle)

proc total(n: Node): int =
  if n == nil: 0 else: n.key + total(n.left) + total(n.right)

let lasting = grow(1, 100_000)
var sum = 0
for i in 0 ..< 200: sum += total(grow(1, 100 * i))
echo "trees ", sum

var table = initTable[string, seq[int]]()
for i in 0 ..< 50_000: table["k" & $i] = @[i, i * i]
for i in countup(0, 49_999, 2): table.del("k" & $i)
GC_fullCollect()
echo "table ", table.len, " ", table["k12321"]

var words: seq[string]
for i in 0 ..< 50_000: words.add toHex((i * 7919) mod 50_021)
words.sort()
echo "sorted ", words[0], " ", words[25_000]
let text = words.join(" ")
echo "text ", text.len, " ", text.split(' ').len

type Odd = object of CatchableError
var caught = 0
for i in 0 ..< 10_000:
  try:
    if i mod 2 == 1: raise newException(Odd, "odd " & $i)
  except Odd as e: caught += e.msg.len
echo "caught ", caught

iterator pieces(n: int): seq[int] {.closure.} =
  for i in 0 ..< n: yield toSeq(0 .. i mod 50)
let piece = pieces
var length = 0
for p in piece(5_000): length += p.len
echo "pieces ", length

var adders: seq[proc (n: int): int]
for i in 0 ..< 5_000:
  capture i: adders.add(proc (n: int): int = n + i)
echo "closures ", adders.foldl(a + b(1), 0)

type Finalised = ref object
  data: array[8, int]
var finalised = 0
proc done(f: Finalised) =
  if f.data[7] == 7: inc finalised
proc makeFinalised(n: int) =
  for i in 0 ..< n:
    var f: Finalised
    new(f, done)
    f.data[7] = 7
makeFinalised(2_000)
for i in 0 ..< 5:
  discard grow(1, 10_000)
  GC_fullCollect()
echo "finalised ", finalised > 1_000 and finalised <= 2_000

when compileOption("threads"):
  var sums: array[6, int]
  proc work(i: int) {.thread.} =
    var mine = 0
    for k in 0 ..< 30: mine += total(grow(1, 2_000 + i))
    sums[i] = mine
  for round in 0 ..< 3:
    var threads: array[6, Thread[int]]
    for i in 0 ..< 6: createThread(threads[i], work, i)
    joinThreads(threads)
    echo "threads ", sums.foldl(a + b, 0)

  var queue: Channel[seq[string]]
  queue.open(100)
  proc produce(n: int) {.thread.} =
    for i in 0 ..< n: queue.send(@[$i, repeat('x', i mod 40)])
    queue.send(@[])
  var producer: Thread[int]
  createThread(producer, produce, 3_000)
  var received = 0
  while true:
    let message = queue.recv()
    if message.len == 0: break
    received += parseInt(message[0]) + message[1].len
  joinThread(producer)
  echo "queue ", received

echo "lasting ", total(lasting)
echo "end"
