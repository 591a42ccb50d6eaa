<?php
// The basics: values of each type, pipelines, transactions with WATCH, scripts, sessions' locks, SCAN.
[$host, $port, $seconds] = [$argv[1], (int)$argv[2], (float)$argv[3]];
function check(bool $holds, string $text): void {
    if ($holds) return;
    fwrite(STDERR, "FAILED: $text\n");
    exit(1);
}
$redis = new Redis();
$redis->connect($host, $port, 10);
$finish = microtime(true) + $seconds;
$rounds = 0;
while (microtime(true) < $finish) {
    $rounds++;
    $replies = $redis->multi(Redis::PIPELINE)->set("key", $rounds)->incr("count")->get("key")->exec();
    check($replies === [true, $rounds, (string)$rounds], "pipeline: " . json_encode($replies));
    $redis->watch("a");
    $a = (int)$redis->get("a");
    $replies = $redis->multi()->set("a", $a + 1)->incr("b")->exec();
    check($replies === [true, $rounds], "transaction: " . json_encode($replies));
    check($redis->eval("return redis.call('INCR', KEYS[1])", ["e"], 1) === $rounds, "script");
    check($redis->set("lock", "me", ["nx", "px" => 5000]) === true, "lock");
    check($redis->set("lock", "you", ["nx", "px" => 5000]) === false, "lock taken");
    $redis->del("lock");
    $redis->rPush("list", "item$rounds");
    $redis->hSet("hash", "f$rounds", $rounds);
    $redis->zAdd("board", $rounds, "p$rounds");
    $redis->setex("session:$rounds", 600, serialize(["n" => $rounds]));
}
check($redis->lRange("list", 0, -1) === array_map(fn($n) => "item$n", range(1, $rounds)), "list");
check($redis->hLen("hash") === $rounds && $redis->zCard("board") === $rounds, "collections");
$found = 0;
$redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
for ($cursor = null; ($keys = $redis->scan($cursor, "session:*", 100)) !== false;) $found += count($keys);
check($found === $rounds, "$found of $rounds sessions scanned");
echo "$rounds rounds\n";
