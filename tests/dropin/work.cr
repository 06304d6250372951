# tests/dropin/work.cr: trees, text, tables, fibres and finalisers of Crystal. SPDX-License-Identifier: MIT
class Node
  getter key : Int64

  def initialize(@left : Node?, @right : Node?, @key)
  end

  def total : Int64
    @key + (@left.try(&.total) || 0_i64) + (@right.try(&.total) || 0_i64)
  end
end

def grow(low : Int64, high : Int64) : Node?
  return nil if low > high
  middle = (low + high) // 2
  Node.new(grow(low, middle - 1), grow(middle + 1, high), middle)
end

lasting = grow(1_i64, 100_000_i64).not_nil!
sum = 0_i64
200.times { |i| sum += grow(1_i64, 100_i64 * i).try(&.total) || 0_i64 }
puts "trees #{sum}"

table = {} of String => Array(Int64)
50_000_i64.times { |i| table["k#{i}"] = [i, i * i] }
table.reject! { |_, value| value[0].even? }
puts "table #{table.size} #{table["k12321"]}"
words = (0...50_000).map { |i| ((i.to_i64 * 7919) % 50_021).to_s(36) }.sort
puts "sorted #{words[0]} #{words[25_000]}"
puts "text #{words.join(' ').split(' ').size}"

class Finalised
  @@count = 0

  def self.count
    @@count
  end

  def initialize
    @data = Array(Int32).new(8, 7)
  end

  def finalize
    @@count += 1
  end
end

def make_finalised(n)
  n.times { Finalised.new }
end
make_finalised(2_000)
5.times { grow(1_i64, 10_000_i64); GC.collect }
puts "finalised #{1_000 < Finalised.count <= 2_000}"

channel = Channel(Int64).new(4)
40.times do |i|
  spawn do
    mine = 0_i64
    20.times { mine += grow(1_i64, 300_i64 + i).not_nil!.total; Fiber.yield }
    channel.send(mine)
  end
end
received = 0_i64
40.times { received += channel.receive }
puts "fibres #{received}"

caught = 0
2_000.times do |i|
  begin
    raise ArgumentError.new("odd #{i}") if i.odd?
  rescue e : ArgumentError
    caught += e.message.not_nil!.size
  end
end
puts "caught #{caught}"
puts "lasting #{lasting.total}"
puts "end"
