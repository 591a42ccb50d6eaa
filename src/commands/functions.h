/* The functions of the commands that run here (struct command's run), a file a family. */
#ifndef SF_COMMANDS_FUNCTIONS_H
#define SF_COMMANDS_FUNCTIONS_H

#include "commands/command.h"

/* string.c: values as wholes */
command_run cmd_get, cmd_getdel, cmd_getex, cmd_getset, cmd_mget, cmd_mset, cmd_msetnx, cmd_psetex,
    cmd_set, cmd_setex, cmd_setnx;
/* string_part.c: parts of values */
command_run cmd_append, cmd_getrange, cmd_setrange, cmd_strlen;
/* bit.c, bitfield.c, lcs.c, hyperloglog.c */
command_run cmd_bitcount, cmd_bitop, cmd_bitpos, cmd_getbit, cmd_setbit;
command_run cmd_bitfield, cmd_bitfield_ro;
command_run cmd_lcs;
command_run cmd_pfadd, cmd_pfcount, cmd_pfdebug, cmd_pfmerge, cmd_pfselftest;
/* geo.c, geo_search.c */
command_run cmd_geoadd, cmd_geodist, cmd_geohash, cmd_geopos;
command_run cmd_georadius, cmd_georadius_ro, cmd_georadiusbymember, cmd_georadiusbymember_ro,
    cmd_geosearch, cmd_geosearchstore;
/* counter.c */
command_run cmd_decr, cmd_decrby, cmd_incr, cmd_incrby, cmd_incrbyfloat;
/* key.c */
command_run cmd_copy, cmd_del, cmd_exists, cmd_move, cmd_rename, cmd_renamenx, cmd_type;
/* database.c */
command_run cmd_dbsize, cmd_flushall, cmd_flushdb, cmd_swapdb;
/* scan.c */
command_run cmd_keys, cmd_randomkey, cmd_scan;
/* expire.c */
command_run cmd_expire, cmd_expireat, cmd_expiretime, cmd_persist, cmd_pexpire, cmd_pexpireat,
    cmd_pexpiretime, cmd_pttl, cmd_ttl;
/* hash.c: fields; hash_walk.c: whole hashes */
command_run cmd_hdel, cmd_hexists, cmd_hget, cmd_hincrby, cmd_hincrbyfloat, cmd_hlen, cmd_hmget,
    cmd_hset, cmd_hsetnx, cmd_hstrlen;
command_run cmd_hgetall, cmd_hkeys, cmd_hrandfield, cmd_hscan, cmd_hvals;
/* hash_expire.c: due times of fields */
command_run cmd_hexpire, cmd_hexpireat, cmd_hexpiretime, cmd_hgetdel, cmd_hgetex, cmd_hpersist,
    cmd_hpexpire, cmd_hpexpireat, cmd_hpexpiretime, cmd_hpttl, cmd_hsetex, cmd_httl;
/* set.c: members; set_walk.c: whole sets, random members; set_algebra.c: several sets */
command_run cmd_sadd, cmd_scard, cmd_sismember, cmd_smismember, cmd_smove, cmd_srem;
command_run cmd_smembers, cmd_spop, cmd_srandmember, cmd_sscan;
command_run cmd_sdiff, cmd_sdiffstore, cmd_sinter, cmd_sintercard, cmd_sinterstore, cmd_sunion,
    cmd_sunionstore;
/* memory.c */
command_run cmd_acl_cat, cmd_memory_usage;
/* dump.c */
command_run cmd_dump, cmd_restore;
/* object.c */
command_run cmd_object_encoding, cmd_object_freq, cmd_object_help, cmd_object_idletime,
    cmd_object_refcount;
/* command_info.c, command_query.c: pure functions of the table */
command_run cmd_command, cmd_command_count, cmd_command_docs, cmd_command_getkeys,
    cmd_command_getkeysandflags, cmd_command_help, cmd_command_info, cmd_command_list;
/* list.c: elements at places; list_move.c: from the ends */
command_run cmd_lindex, cmd_linsert, cmd_llen, cmd_lpos, cmd_lpush, cmd_lpushx, cmd_lrange,
    cmd_lrem, cmd_lset, cmd_ltrim, cmd_rpush, cmd_rpushx;
command_run cmd_lmove, cmd_lmpop, cmd_lpop, cmd_rpop, cmd_rpoplpush;
/* sort.c */
command_run cmd_sort;
/* sorted_set.c: members and scores; sorted_set_range.c; sorted_set_pick.c; sorted_set_combine.c */
command_run cmd_zadd, cmd_zcard, cmd_zincrby, cmd_zmscore, cmd_zrank, cmd_zrem, cmd_zrevrank,
    cmd_zscore;
command_run cmd_zcount, cmd_zlexcount, cmd_zrange, cmd_zrangebylex, cmd_zrangebyscore,
    cmd_zrangestore, cmd_zremrangebylex, cmd_zremrangebyrank, cmd_zremrangebyscore, cmd_zrevrange,
    cmd_zrevrangebylex, cmd_zrevrangebyscore;
command_run cmd_zmpop, cmd_zpopmax, cmd_zpopmin, cmd_zrandmember, cmd_zscan;
command_run cmd_zdiff, cmd_zdiffstore, cmd_zinter, cmd_zintercard, cmd_zinterstore, cmd_zunion,
    cmd_zunionstore;
/* script.c, function.c, function_dump.c */
command_run cmd_eval, cmd_evalsha, cmd_fcall, cmd_script_debug, cmd_script_exists, cmd_script_flush,
    cmd_script_help, cmd_script_kill, cmd_script_load;
command_run cmd_function_delete, cmd_function_dump, cmd_function_flush, cmd_function_help,
    cmd_function_list, cmd_function_load, cmd_function_restore, cmd_function_stats;
/* list_move.c, sorted_set_pick.c: those that wait where there is nothing */
command_run cmd_blmove, cmd_blmpop, cmd_blpop, cmd_brpop, cmd_brpoplpush, cmd_bzmpop, cmd_bzpopmax,
    cmd_bzpopmin;
/* stream.c: entries; stream_range.c; stream_read.c; stream_group.c; stream_pending.c;
 * stream_claim.c; stream_info.c */
command_run cmd_xadd, cmd_xdel, cmd_xlen, cmd_xsetid, cmd_xtrim;
command_run cmd_xrange, cmd_xread, cmd_xreadgroup, cmd_xrevrange;
command_run cmd_xack, cmd_xgroup_create, cmd_xgroup_createconsumer, cmd_xgroup_delconsumer,
    cmd_xgroup_destroy, cmd_xgroup_help, cmd_xgroup_setid;
command_run cmd_xautoclaim, cmd_xclaim, cmd_xpending;
command_run cmd_xinfo_consumers, cmd_xinfo_groups, cmd_xinfo_help, cmd_xinfo_stream;
/* setting.c */
command_run cmd_shardforge_acl, cmd_shardforge_abort, cmd_shardforge_exec, cmd_shardforge_publish,
    cmd_shardforge_setting, cmd_shardforge_source, cmd_shardforge_moved, cmd_replicaof;
/* waiting.c */
command_run cmd_shardforge_again, cmd_shardforge_unblock;

#endif
