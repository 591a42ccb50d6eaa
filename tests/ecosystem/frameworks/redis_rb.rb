# The basics: values of each type, pipelines, transactions with WATCH, scripts, blocking pops, pub/sub.
require "redis"

host, port, seconds = ARGV[0], ARGV[1].to_i, ARGV[2].to_f
finish = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
connect = -> { Redis.new(host: host, port: port, timeout: 10) }
check = ->(holds, text) { abort("FAILED: #{text}") unless holds }

redis = connect.call
popped = []
popper = Thread.new do
  own = connect.call
  loop do
    item = own.blpop("list", timeout: 0)[1]
    break if item == "end"
    popped << item
  end
end
heard = []
ready = Queue.new
listener = Thread.new do
  connect.call.subscribe("channel") do |on|
    on.subscribe { ready << true }
    on.message { |_, text| text == "end" ? connect.call.ping && Thread.exit : heard << text }
  end
end
ready.pop

rounds = 0
while Process.clock_gettime(Process::CLOCK_MONOTONIC) < finish
  rounds += 1
  replies = redis.pipelined { |pipe| pipe.set("key", rounds); pipe.incr("count"); pipe.get("key") }
  check.call(replies == ["OK", rounds, rounds.to_s], "pipeline: #{replies}")
  redis.watch("a") do
    a = redis.get("a").to_i
    replies = redis.multi { |transaction| transaction.set("a", a + 1); transaction.incr("b") }
    check.call(replies == ["OK", rounds], "transaction: #{replies}")
  end
  check.call(redis.eval("return redis.call('INCR', KEYS[1])", keys: ["e"]) == rounds, "script")
  redis.rpush("list", "item#{rounds}")
  redis.publish("channel", "m#{rounds}")
  redis.hset("hash", "f#{rounds}", rounds)
  redis.zadd("board", rounds, "p#{rounds}")
end
redis.rpush("list", "end")
redis.publish("channel", "end")
popper.join
listener.join
check.call(popped == (1..rounds).map { |n| "item#{n}" }, "#{popped.size} of #{rounds} popped, or out of order")
check.call(heard == (1..rounds).map { |n| "m#{n}" }, "#{heard.size} of #{rounds} heard, or out of order")
check.call(redis.hlen("hash") == rounds && redis.zcard("board") == rounds, "collections")
check.call(redis.zrevrange("board", 0, 0, with_scores: true) == [["p#{rounds}", rounds.to_f]], "board")
puts "#{rounds} rounds"
