/* The scripts of the workload, whose meaning model_script.c knows. */
#ifndef SF_SIM_SCRIPTS_H
#define SF_SIM_SCRIPTS_H

/* From one account to another, unless it is far below nothing. */
#define SCRIPT_MOVE                                                                                \
    "local x = tonumber(redis.call('GET', KEYS[1]) or '0') if x < -500 then return -1 end "        \
    "redis.call('DECRBY', KEYS[1], ARGV[1]) return redis.call('INCRBY', KEYS[2], ARGV[1])"
#define SCRIPT_MOVE_SHA "80eac18733277770911d0a50d8030034c29ddc13"
/* Three in so many milliseconds. */
#define SCRIPT_LIMIT                                                                               \
    "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('PEXPIRE', KEYS[1], "         \
    "ARGV[1]) end if n > 3 then return 0 end return n"
#define SCRIPT_LIMIT_SHA "dc57b6658385a4bfd121aeaed84ee47778b2a206"
/* Counts, and says so to a channel. */
#define SCRIPT_TELL                                                                                \
    "local n = redis.call('INCR', KEYS[1]) redis.call('PUBLISH', ARGV[1], ARGV[2]) return n"
#define SCRIPT_TELL_SHA "31b9781181e812458ce2aa3be4825869555a6007"

#endif
