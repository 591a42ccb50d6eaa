/* The rows of the command table, ordered by name (binary search), a container's subcommands right
 * behind it. Included with COMMAND and CONTAINER defined as what is wanted of each row:
 *
 *   COMMAND(id, name, function, documentation, arity,
 *       flags, keys: first, last, step, ACL categories beyond those that follow from the flags)
 *   CONTAINER(id, id of its last subcommand, name ... as above)
 *
 * A new command is a row here, a block in docs_<group>.c and, if it runs here, a function declared
 * in functions.h. No include guard on purpose. */
/* clang-format off */
CONTAINER(ACL, ACL_WHOAMI, "acl", NULL, docs_acl, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_CAT, "acl|cat", cmd_acl_cat, docs_acl_cat, -2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_DELUSER, "acl|deluser", NULL, docs_acl_deluser, -3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_DRYRUN, "acl|dryrun", NULL, docs_acl_dryrun, -4,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_GENPASS, "acl|genpass", NULL, docs_acl_genpass, -2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_GETUSER, "acl|getuser", NULL, docs_acl_getuser, 3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_HELP, "acl|help", NULL, docs_acl_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_LIST, "acl|list", NULL, docs_acl_list, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_LOAD, "acl|load", NULL, docs_acl_load, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_LOG, "acl|log", NULL, docs_acl_log, -2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_SAVE, "acl|save", NULL, docs_acl_save, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_SETUSER, "acl|setuser", NULL, docs_acl_setuser, -3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_USERS, "acl|users", NULL, docs_acl_users, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(ACL_WHOAMI, "acl|whoami", NULL, docs_acl_whoami, 2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(APPEND, "append", cmd_append, docs_append, 3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(AUTH, "auth", NULL, docs_auth, -2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY | CMD_LOCAL,
    NO_KEYS, CAT_CONNECTION)
COMMAND(BGREWRITEAOF, "bgrewriteaof", NULL, docs_bgrewriteaof, 1,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_LOCAL, NO_KEYS, 0)
COMMAND(BGSAVE, "bgsave", NULL, docs_bgsave, -1,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_LOCAL, NO_KEYS, 0)
COMMAND(BITCOUNT, "bitcount", cmd_bitcount, docs_bitcount, -2,
    CMD_READ, KEYS(1, 1, 1), CAT_BITMAP)
COMMAND(BITFIELD, "bitfield", cmd_bitfield, docs_bitfield, -2,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_BITMAP)
COMMAND(BITFIELD_RO, "bitfield_ro", cmd_bitfield_ro, docs_bitfield_ro, -2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_BITMAP)
COMMAND(BITOP, "bitop", cmd_bitop, docs_bitop, -4,
    CMD_WRITE | CMD_GROWS, KEYS(2, -1, 1), CAT_BITMAP)
COMMAND(BITPOS, "bitpos", cmd_bitpos, docs_bitpos, -3,
    CMD_READ, KEYS(1, 1, 1), CAT_BITMAP)
COMMAND(BLMOVE, "blmove", cmd_blmove, docs_blmove, 6,
    CMD_WRITE | CMD_GROWS | CMD_BLOCKING, KEYS(1, 2, 1), CAT_LIST)
COMMAND(BLMPOP, "blmpop", cmd_blmpop, docs_blmpop, -5,
    CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS, NO_KEYS, CAT_LIST)
COMMAND(BLPOP, "blpop", cmd_blpop, docs_blpop, -3,
    CMD_WRITE | CMD_BLOCKING, KEYS(1, -2, 1), CAT_LIST)
COMMAND(BRPOP, "brpop", cmd_brpop, docs_brpop, -3,
    CMD_WRITE | CMD_BLOCKING, KEYS(1, -2, 1), CAT_LIST)
COMMAND(BRPOPLPUSH, "brpoplpush", cmd_brpoplpush, docs_brpoplpush, 4,
    CMD_WRITE | CMD_GROWS | CMD_BLOCKING, KEYS(1, 2, 1), CAT_LIST)
COMMAND(BZMPOP, "bzmpop", cmd_bzmpop, docs_bzmpop, -5,
    CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS, NO_KEYS, CAT_SORTEDSET)
COMMAND(BZPOPMAX, "bzpopmax", cmd_bzpopmax, docs_bzpopmax, -3,
    CMD_WRITE | CMD_BLOCKING | CMD_FAST, KEYS(1, -2, 1), CAT_SORTEDSET)
COMMAND(BZPOPMIN, "bzpopmin", cmd_bzpopmin, docs_bzpopmin, -3,
    CMD_WRITE | CMD_BLOCKING | CMD_FAST, KEYS(1, -2, 1), CAT_SORTEDSET)
CONTAINER(CLIENT, CLIENT_UNPAUSE, "client", NULL, docs_client, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLIENT_CACHING, "client|caching", NULL, docs_client_caching, 3,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_GETNAME, "client|getname", NULL, docs_client_getname, 2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_GETREDIR, "client|getredir", NULL, docs_client_getredir, 2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_HELP, "client|help", NULL, docs_client_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_ID, "client|id", NULL, docs_client_id, 2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_INFO, "client|info", NULL, docs_client_info, 2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_KILL, "client|kill", NULL, docs_client_kill, -3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_LIST, "client|list", NULL, docs_client_list, -2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_NO_EVICT, "client|no-evict", NULL, docs_client_no_evict, 3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_NO_TOUCH, "client|no-touch", NULL, docs_client_no_touch, 3,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_PAUSE, "client|pause", NULL, docs_client_pause, -3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_REPLY, "client|reply", NULL, docs_client_reply, 3,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_SETINFO, "client|setinfo", NULL, docs_client_setinfo, 4,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_SETNAME, "client|setname", NULL, docs_client_setname, 3,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_TRACKING, "client|tracking", NULL, docs_client_tracking, -3,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_TRACKINGINFO, "client|trackinginfo", NULL, docs_client_trackinginfo, 2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_UNBLOCK, "client|unblock", NULL, docs_client_unblock, -3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(CLIENT_UNPAUSE, "client|unpause", NULL, docs_client_unpause, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
CONTAINER(CLUSTER, CLUSTER_VERIFY, "cluster", NULL, docs_cluster, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_COUNT_FAILURE_REPORTS, "cluster|count-failure-reports", NULL, docs_cluster_count_failure_reports, 3,
    CMD_ADMIN | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_COUNTKEYSINSLOT, "cluster|countkeysinslot", NULL, docs_cluster_countkeysinslot, 3,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_FAILOVER, "cluster|failover", NULL, docs_cluster_failover, -2,
    CMD_ADMIN | CMD_STALE | CMD_NO_ASYNC_LOADING | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_FORGET, "cluster|forget", NULL, docs_cluster_forget, 3,
    CMD_ADMIN | CMD_STALE | CMD_NO_ASYNC_LOADING | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_GETKEYSINSLOT, "cluster|getkeysinslot", NULL, docs_cluster_getkeysinslot, 4,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_HELP, "cluster|help", NULL, docs_cluster_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_INFO, "cluster|info", NULL, docs_cluster_info, 2,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_KEYSLOT, "cluster|keyslot", NULL, docs_cluster_keyslot, 3,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_LINKS, "cluster|links", NULL, docs_cluster_links, 2,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_MEET, "cluster|meet", NULL, docs_cluster_meet, -4,
    CMD_ADMIN | CMD_STALE | CMD_NO_ASYNC_LOADING | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_MYID, "cluster|myid", NULL, docs_cluster_myid, 2,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_MYSHARDID, "cluster|myshardid", NULL, docs_cluster_myshardid, 2,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_NODES, "cluster|nodes", NULL, docs_cluster_nodes, 2,
    CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_REPLICAS, "cluster|replicas", NULL, docs_cluster_replicas, 3,
    CMD_ADMIN | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_RESET, "cluster|reset", NULL, docs_cluster_reset, -2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_SHARDS, "cluster|shards", NULL, docs_cluster_shards, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_SLAVES, "cluster|slaves", NULL, docs_cluster_slaves, 3,
    CMD_ADMIN | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_SLOTS, "cluster|slots", NULL, docs_cluster_slots, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CLUSTER_VERIFY, "cluster|verify", NULL, docs_cluster_verify, 2,
    CMD_ADMIN | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
CONTAINER(COMMAND, COMMAND_LIST, "command", cmd_command, docs_command, -1,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(COMMAND_COUNT, "command|count", cmd_command_count, docs_command_count, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(COMMAND_DOCS, "command|docs", cmd_command_docs, docs_command_docs, -2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(COMMAND_GETKEYS, "command|getkeys", cmd_command_getkeys, docs_command_getkeys, -3,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(COMMAND_GETKEYSANDFLAGS, "command|getkeysandflags", cmd_command_getkeysandflags, docs_command_getkeysandflags, -3,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(COMMAND_HELP, "command|help", cmd_command_help, docs_command_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(COMMAND_INFO, "command|info", cmd_command_info, docs_command_info, -2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(COMMAND_LIST, "command|list", cmd_command_list, docs_command_list, -2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
CONTAINER(CONFIG, CONFIG_SET, "config", NULL, docs_config, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(CONFIG_GET, "config|get", NULL, docs_config_get, -3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CONFIG_HELP, "config|help", NULL, docs_config_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CONFIG_RESETSTAT, "config|resetstat", NULL, docs_config_resetstat, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CONFIG_REWRITE, "config|rewrite", NULL, docs_config_rewrite, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(CONFIG_SET, "config|set", NULL, docs_config_set, -4,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(COPY, "copy", cmd_copy, docs_copy, -3,
    CMD_WRITE | CMD_GROWS, KEYS(1, 2, 1), CAT_KEYSPACE)
COMMAND(DBSIZE, "dbsize", cmd_dbsize, docs_dbsize, 1,
    CMD_READ | CMD_FAST, NO_KEYS, CAT_KEYSPACE)
COMMAND(DEBUG, "debug", NULL, docs_debug, -2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(DECR, "decr", cmd_decr, docs_decr, 2,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(DECRBY, "decrby", cmd_decrby, docs_decrby, 3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(DEL, "del", cmd_del, docs_del, -2,
    CMD_WRITE, KEYS(1, -1, 1), CAT_KEYSPACE)
COMMAND(DISCARD, "discard", NULL, docs_discard, 1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY | CMD_LOCAL, NO_KEYS,
    CAT_TRANSACTION)
COMMAND(DUMP, "dump", cmd_dump, docs_dump, 2,
    CMD_READ, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(ECHO, "echo", NULL, docs_echo, 2,
    CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(EVAL, "eval", cmd_eval, docs_eval, -3,
    CMD_LOGGED | CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_MOVABLE_KEYS,
    NO_KEYS, CAT_SCRIPTING)
COMMAND(EVAL_RO, "eval_ro", cmd_eval, docs_eval_ro, -3,
    CMD_READ | CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_MOVABLE_KEYS,
    NO_KEYS, CAT_SCRIPTING)
COMMAND(EVALSHA, "evalsha", cmd_evalsha, docs_evalsha, -3,
    CMD_LOGGED | CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_MOVABLE_KEYS,
    NO_KEYS, CAT_SCRIPTING)
COMMAND(EVALSHA_RO, "evalsha_ro", cmd_evalsha, docs_evalsha_ro, -3,
    CMD_READ | CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_MOVABLE_KEYS,
    NO_KEYS, CAT_SCRIPTING)
COMMAND(EXEC, "exec", NULL, docs_exec, 1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG | CMD_LOCAL, NO_KEYS,
    CAT_TRANSACTION)
COMMAND(EXISTS, "exists", cmd_exists, docs_exists, -2,
    CMD_READ | CMD_FAST, KEYS(1, -1, 1), CAT_KEYSPACE)
COMMAND(EXPIRE, "expire", cmd_expire, docs_expire, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(EXPIREAT, "expireat", cmd_expireat, docs_expireat, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(EXPIRETIME, "expiretime", cmd_expiretime, docs_expiretime, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(FCALL, "fcall", cmd_fcall, docs_fcall, -3,
    CMD_LOGGED | CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_MOVABLE_KEYS,
    NO_KEYS, CAT_SCRIPTING)
COMMAND(FCALL_RO, "fcall_ro", cmd_fcall, docs_fcall_ro, -3,
    CMD_READ | CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_MOVABLE_KEYS,
    NO_KEYS, CAT_SCRIPTING)
COMMAND(FLUSHALL, "flushall", cmd_flushall, docs_flushall, -1,
    CMD_WRITE, NO_KEYS, CAT_KEYSPACE | CAT_DANGEROUS)
COMMAND(FLUSHDB, "flushdb", cmd_flushdb, docs_flushdb, -1,
    CMD_WRITE, NO_KEYS, CAT_KEYSPACE | CAT_DANGEROUS)
CONTAINER(FUNCTION, FUNCTION_STATS, "function", NULL, docs_function, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(FUNCTION_DELETE, "function|delete", cmd_function_delete, docs_function_delete, 3,
    CMD_WRITE | CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_DUMP, "function|dump", cmd_function_dump, docs_function_dump, 2,
    CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_FLUSH, "function|flush", cmd_function_flush, docs_function_flush, -2,
    CMD_WRITE | CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_HELP, "function|help", cmd_function_help, docs_function_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_KILL, "function|kill", cmd_script_kill, docs_function_kill, 2,
    CMD_NOSCRIPT | CMD_ALLOW_BUSY | CMD_LOCAL, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_LIST, "function|list", cmd_function_list, docs_function_list, -2,
    CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_LOAD, "function|load", cmd_function_load, docs_function_load, -3,
    CMD_WRITE | CMD_GROWS | CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_RESTORE, "function|restore", cmd_function_restore, docs_function_restore, -3,
    CMD_WRITE | CMD_GROWS | CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(FUNCTION_STATS, "function|stats", cmd_function_stats, docs_function_stats, 2,
    CMD_NOSCRIPT | CMD_ALLOW_BUSY, NO_KEYS, CAT_SCRIPTING)
COMMAND(GEOADD, "geoadd", cmd_geoadd, docs_geoadd, -5,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEODIST, "geodist", cmd_geodist, docs_geodist, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEOHASH, "geohash", cmd_geohash, docs_geohash, -2,
    CMD_READ, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEOPOS, "geopos", cmd_geopos, docs_geopos, -2,
    CMD_READ, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEORADIUS, "georadius", cmd_georadius, docs_georadius, -6,
    CMD_WRITE | CMD_GROWS | CMD_MOVABLE_KEYS, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEORADIUS_RO, "georadius_ro", cmd_georadius_ro, docs_georadius_ro, -6,
    CMD_READ, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEORADIUSBYMEMBER, "georadiusbymember", cmd_georadiusbymember, docs_georadiusbymember, -5,
    CMD_WRITE | CMD_GROWS | CMD_MOVABLE_KEYS, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEORADIUSBYMEMBER_RO, "georadiusbymember_ro", cmd_georadiusbymember_ro, docs_georadiusbymember_ro, -5,
    CMD_READ, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEOSEARCH, "geosearch", cmd_geosearch, docs_geosearch, -7,
    CMD_READ, KEYS(1, 1, 1), CAT_GEO)
COMMAND(GEOSEARCHSTORE, "geosearchstore", cmd_geosearchstore, docs_geosearchstore, -8,
    CMD_WRITE | CMD_GROWS, KEYS(1, 2, 1), CAT_GEO)
COMMAND(GET, "get", cmd_get, docs_get, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(GETBIT, "getbit", cmd_getbit, docs_getbit, 3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_BITMAP)
COMMAND(GETDEL, "getdel", cmd_getdel, docs_getdel, 2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(GETEX, "getex", cmd_getex, docs_getex, -2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(GETRANGE, "getrange", cmd_getrange, docs_getrange, 4,
    CMD_READ, KEYS(1, 1, 1), CAT_STRING)
COMMAND(GETSET, "getset", cmd_getset, docs_getset, 3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(HDEL, "hdel", cmd_hdel, docs_hdel, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HELLO, "hello", NULL, docs_hello, -1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY | CMD_LOCAL,
    NO_KEYS, CAT_CONNECTION)
COMMAND(HEXISTS, "hexists", cmd_hexists, docs_hexists, 3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HEXPIRE, "hexpire", cmd_hexpire, docs_hexpire, -6,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HEXPIREAT, "hexpireat", cmd_hexpireat, docs_hexpireat, -6,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HEXPIRETIME, "hexpiretime", cmd_hexpiretime, docs_hexpiretime, -5,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HGET, "hget", cmd_hget, docs_hget, 3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HGETALL, "hgetall", cmd_hgetall, docs_hgetall, 2,
    CMD_READ, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HGETDEL, "hgetdel", cmd_hgetdel, docs_hgetdel, -5,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HGETEX, "hgetex", cmd_hgetex, docs_hgetex, -5,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HINCRBY, "hincrby", cmd_hincrby, docs_hincrby, 4,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HINCRBYFLOAT, "hincrbyfloat", cmd_hincrbyfloat, docs_hincrbyfloat, 4,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HKEYS, "hkeys", cmd_hkeys, docs_hkeys, 2,
    CMD_READ, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HLEN, "hlen", cmd_hlen, docs_hlen, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HMGET, "hmget", cmd_hmget, docs_hmget, -3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HMSET, "hmset", cmd_hset, docs_hmset, -4,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HPERSIST, "hpersist", cmd_hpersist, docs_hpersist, -5,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HPEXPIRE, "hpexpire", cmd_hpexpire, docs_hpexpire, -6,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HPEXPIREAT, "hpexpireat", cmd_hpexpireat, docs_hpexpireat, -6,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HPEXPIRETIME, "hpexpiretime", cmd_hpexpiretime, docs_hpexpiretime, -5,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HPTTL, "hpttl", cmd_hpttl, docs_hpttl, -5,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HRANDFIELD, "hrandfield", cmd_hrandfield, docs_hrandfield, -2,
    CMD_READ, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HSCAN, "hscan", cmd_hscan, docs_hscan, -3,
    CMD_READ, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HSET, "hset", cmd_hset, docs_hset, -4,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HSETEX, "hsetex", cmd_hsetex, docs_hsetex, -6,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HSETNX, "hsetnx", cmd_hsetnx, docs_hsetnx, 4,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HSTRLEN, "hstrlen", cmd_hstrlen, docs_hstrlen, 3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HTTL, "httl", cmd_httl, docs_httl, -5,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_HASH)
COMMAND(HVALS, "hvals", cmd_hvals, docs_hvals, 2,
    CMD_READ, KEYS(1, 1, 1), CAT_HASH)
COMMAND(INCR, "incr", cmd_incr, docs_incr, 2,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(INCRBY, "incrby", cmd_incrby, docs_incrby, 3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(INCRBYFLOAT, "incrbyfloat", cmd_incrbyfloat, docs_incrbyfloat, 3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(INFO, "info", NULL, docs_info, -1,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_DANGEROUS)
COMMAND(KEYS, "keys", cmd_keys, docs_keys, 2,
    CMD_READ, NO_KEYS, CAT_KEYSPACE | CAT_DANGEROUS)
COMMAND(LASTSAVE, "lastsave", NULL, docs_lastsave, 1,
    CMD_ADMIN | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, 0)
CONTAINER(LATENCY, LATENCY_RESET, "latency", NULL, docs_latency, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(LATENCY_DOCTOR, "latency|doctor", NULL, docs_latency_doctor, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LATENCY_GRAPH, "latency|graph", NULL, docs_latency_graph, 3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LATENCY_HELP, "latency|help", NULL, docs_latency_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LATENCY_HISTOGRAM, "latency|histogram", NULL, docs_latency_histogram, -2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LATENCY_HISTORY, "latency|history", NULL, docs_latency_history, 3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LATENCY_LATEST, "latency|latest", NULL, docs_latency_latest, 2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LATENCY_RESET, "latency|reset", NULL, docs_latency_reset, -2,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LCS, "lcs", cmd_lcs, docs_lcs, -3,
    CMD_READ, KEYS(1, 2, 1), CAT_STRING)
COMMAND(LINDEX, "lindex", cmd_lindex, docs_lindex, 3,
    CMD_READ, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LINSERT, "linsert", cmd_linsert, docs_linsert, 5,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LLEN, "llen", cmd_llen, docs_llen, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LMOVE, "lmove", cmd_lmove, docs_lmove, 5,
    CMD_WRITE | CMD_GROWS, KEYS(1, 2, 1), CAT_LIST)
COMMAND(LMPOP, "lmpop", cmd_lmpop, docs_lmpop, -4,
    CMD_WRITE | CMD_MOVABLE_KEYS, NO_KEYS, CAT_LIST)
COMMAND(LOLWUT, "lolwut", NULL, docs_lolwut, -1,
    CMD_READ | CMD_FAST | CMD_LOCAL, NO_KEYS, 0)
COMMAND(LPOP, "lpop", cmd_lpop, docs_lpop, -2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LPOS, "lpos", cmd_lpos, docs_lpos, -3,
    CMD_READ, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LPUSH, "lpush", cmd_lpush, docs_lpush, -3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LPUSHX, "lpushx", cmd_lpushx, docs_lpushx, -3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LRANGE, "lrange", cmd_lrange, docs_lrange, 4,
    CMD_READ, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LREM, "lrem", cmd_lrem, docs_lrem, 4,
    CMD_WRITE, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LSET, "lset", cmd_lset, docs_lset, 4,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_LIST)
COMMAND(LTRIM, "ltrim", cmd_ltrim, docs_ltrim, 4,
    CMD_WRITE, KEYS(1, 1, 1), CAT_LIST)
CONTAINER(MEMORY, MEMORY_USAGE, "memory", NULL, docs_memory, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(MEMORY_DOCTOR, "memory|doctor", NULL, docs_memory_doctor, 2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(MEMORY_HELP, "memory|help", NULL, docs_memory_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(MEMORY_MALLOC_STATS, "memory|malloc-stats", NULL, docs_memory_malloc_stats, 2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(MEMORY_PURGE, "memory|purge", NULL, docs_memory_purge, 2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(MEMORY_STATS, "memory|stats", NULL, docs_memory_stats, 2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(MEMORY_USAGE, "memory|usage", cmd_memory_usage, docs_memory_usage, -3,
    CMD_READ, KEYS(2, 2, 1), 0)
COMMAND(MGET, "mget", cmd_mget, docs_mget, -2,
    CMD_READ | CMD_FAST, KEYS(1, -1, 1), CAT_STRING)
COMMAND(MIGRATE, "migrate", NULL, docs_migrate, -6,
    CMD_WRITE | CMD_MOVABLE_KEYS | CMD_LOCAL, KEYS(3, 3, 1), CAT_KEYSPACE | CAT_DANGEROUS)
COMMAND(MONITOR, "monitor", NULL, docs_monitor, 1,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(MOVE, "move", cmd_move, docs_move, 3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(MSET, "mset", cmd_mset, docs_mset, -3,
    CMD_WRITE | CMD_GROWS, KEYS(1, -1, 2), CAT_STRING)
COMMAND(MSETNX, "msetnx", cmd_msetnx, docs_msetnx, -3,
    CMD_WRITE | CMD_GROWS, KEYS(1, -1, 2), CAT_STRING)
COMMAND(MULTI, "multi", NULL, docs_multi, 1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY | CMD_LOCAL, NO_KEYS,
    CAT_TRANSACTION)
CONTAINER(OBJECT, OBJECT_REFCOUNT, "object", NULL, docs_object, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(OBJECT_ENCODING, "object|encoding", cmd_object_encoding, docs_object_encoding, 3,
    CMD_READ, KEYS(2, 2, 1), CAT_KEYSPACE)
COMMAND(OBJECT_FREQ, "object|freq", cmd_object_freq, docs_object_freq, 3,
    CMD_READ, KEYS(2, 2, 1), CAT_KEYSPACE)
COMMAND(OBJECT_HELP, "object|help", cmd_object_help, docs_object_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_KEYSPACE)
COMMAND(OBJECT_IDLETIME, "object|idletime", cmd_object_idletime, docs_object_idletime, 3,
    CMD_READ, KEYS(2, 2, 1), CAT_KEYSPACE)
COMMAND(OBJECT_REFCOUNT, "object|refcount", cmd_object_refcount, docs_object_refcount, 3,
    CMD_READ, KEYS(2, 2, 1), CAT_KEYSPACE)
COMMAND(PERSIST, "persist", cmd_persist, docs_persist, 2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(PEXPIRE, "pexpire", cmd_pexpire, docs_pexpire, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(PEXPIREAT, "pexpireat", cmd_pexpireat, docs_pexpireat, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(PEXPIRETIME, "pexpiretime", cmd_pexpiretime, docs_pexpiretime, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(PFADD, "pfadd", cmd_pfadd, docs_pfadd, -2,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_HYPERLOGLOG)
COMMAND(PFCOUNT, "pfcount", cmd_pfcount, docs_pfcount, -2,
    CMD_READ, KEYS(1, -1, 1), CAT_HYPERLOGLOG)
COMMAND(PFDEBUG, "pfdebug", cmd_pfdebug, docs_pfdebug, 3,
    CMD_WRITE | CMD_GROWS | CMD_ADMIN, KEYS(2, 2, 1), CAT_HYPERLOGLOG)
COMMAND(PFMERGE, "pfmerge", cmd_pfmerge, docs_pfmerge, -2,
    CMD_WRITE | CMD_GROWS, KEYS(1, -1, 1), CAT_HYPERLOGLOG)
COMMAND(PFSELFTEST, "pfselftest", cmd_pfselftest, docs_pfselftest, 1,
    CMD_ADMIN | CMD_LOCAL, NO_KEYS, CAT_HYPERLOGLOG)
COMMAND(PING, "ping", NULL, docs_ping, -1,
    CMD_FAST | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(PSETEX, "psetex", cmd_psetex, docs_psetex, 4,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_STRING)
COMMAND(PSUBSCRIBE, "psubscribe", NULL, docs_psubscribe, -2,
    CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PSYNC, "psync", NULL, docs_psync, -3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PTTL, "pttl", cmd_pttl, docs_pttl, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(PUBLISH, "publish", NULL, docs_publish, 3,
    CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, 0)
CONTAINER(PUBSUB, PUBSUB_SHARDNUMSUB, "pubsub", NULL, docs_pubsub, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(PUBSUB_CHANNELS, "pubsub|channels", NULL, docs_pubsub_channels, -2,
    CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PUBSUB_HELP, "pubsub|help", NULL, docs_pubsub_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PUBSUB_NUMPAT, "pubsub|numpat", NULL, docs_pubsub_numpat, 2,
    CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PUBSUB_NUMSUB, "pubsub|numsub", NULL, docs_pubsub_numsub, -2,
    CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PUBSUB_SHARDCHANNELS, "pubsub|shardchannels", NULL, docs_pubsub_shardchannels, -2,
    CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PUBSUB_SHARDNUMSUB, "pubsub|shardnumsub", NULL, docs_pubsub_shardnumsub, -2,
    CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(PUNSUBSCRIBE, "punsubscribe", NULL, docs_punsubscribe, -1,
    CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(QUIT, "quit", NULL, docs_quit, -1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY | CMD_LOCAL,
    NO_KEYS, CAT_CONNECTION)
COMMAND(RANDOMKEY, "randomkey", cmd_randomkey, docs_randomkey, 1,
    CMD_READ, NO_KEYS, CAT_KEYSPACE)
COMMAND(READONLY, "readonly", NULL, docs_readonly, 1,
    CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(READWRITE, "readwrite", NULL, docs_readwrite, 1,
    CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(RENAME, "rename", cmd_rename, docs_rename, 3,
    CMD_WRITE, KEYS(1, 2, 1), CAT_KEYSPACE)
COMMAND(RENAMENX, "renamenx", cmd_renamenx, docs_renamenx, 3,
    CMD_WRITE | CMD_FAST, KEYS(1, 2, 1), CAT_KEYSPACE)
COMMAND(REPLCONF, "replconf", NULL, docs_replconf, -1,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_ALLOW_BUSY | CMD_LOCAL, NO_KEYS, 0)
COMMAND(REPLICAOF, "replicaof", cmd_replicaof, docs_replicaof, 3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_NO_ASYNC_LOADING | CMD_LOGGED, NO_KEYS, 0)
COMMAND(RESET, "reset", NULL, docs_reset, 1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY | CMD_LOCAL,
    NO_KEYS, CAT_CONNECTION)
COMMAND(RESTORE, "restore", cmd_restore, docs_restore, -4,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_KEYSPACE | CAT_DANGEROUS)
COMMAND(RESTORE_ASKING, "restore-asking", cmd_restore, docs_restore_asking, -4,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_KEYSPACE | CAT_DANGEROUS)
COMMAND(ROLE, "role", NULL, docs_role, 1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, CAT_ADMIN |
    CAT_DANGEROUS)
COMMAND(RPOP, "rpop", cmd_rpop, docs_rpop, -2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_LIST)
COMMAND(RPOPLPUSH, "rpoplpush", cmd_rpoplpush, docs_rpoplpush, 3,
    CMD_WRITE | CMD_GROWS, KEYS(1, 2, 1), CAT_LIST)
COMMAND(RPUSH, "rpush", cmd_rpush, docs_rpush, -3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_LIST)
COMMAND(RPUSHX, "rpushx", cmd_rpushx, docs_rpushx, -3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_LIST)
COMMAND(SADD, "sadd", cmd_sadd, docs_sadd, -3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_SET)
COMMAND(SAVE, "save", NULL, docs_save, 1,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI | CMD_LOCAL, NO_KEYS, 0)
COMMAND(SCAN, "scan", cmd_scan, docs_scan, -2,
    CMD_READ, NO_KEYS, CAT_KEYSPACE)
COMMAND(SCARD, "scard", cmd_scard, docs_scard, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SET)
CONTAINER(SCRIPT, SCRIPT_LOAD, "script", NULL, docs_script, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(SCRIPT_DEBUG, "script|debug", cmd_script_debug, docs_script_debug, 3,
    CMD_NOSCRIPT | CMD_LOCAL, NO_KEYS, CAT_SCRIPTING)
COMMAND(SCRIPT_EXISTS, "script|exists", cmd_script_exists, docs_script_exists, -3,
    CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(SCRIPT_FLUSH, "script|flush", cmd_script_flush, docs_script_flush, -2,
    CMD_LOGGED | CMD_NOSCRIPT, NO_KEYS, CAT_SCRIPTING)
COMMAND(SCRIPT_HELP, "script|help", cmd_script_help, docs_script_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_SCRIPTING)
COMMAND(SCRIPT_KILL, "script|kill", cmd_script_kill, docs_script_kill, 2,
    CMD_NOSCRIPT | CMD_ALLOW_BUSY | CMD_LOCAL, NO_KEYS, CAT_SCRIPTING)
COMMAND(SCRIPT_LOAD, "script|load", cmd_script_load, docs_script_load, 3,
    CMD_LOGGED | CMD_NOSCRIPT | CMD_STALE, NO_KEYS, CAT_SCRIPTING)
COMMAND(SDIFF, "sdiff", cmd_sdiff, docs_sdiff, -2,
    CMD_READ, KEYS(1, -1, 1), CAT_SET)
COMMAND(SDIFFSTORE, "sdiffstore", cmd_sdiffstore, docs_sdiffstore, -3,
    CMD_WRITE | CMD_GROWS, KEYS(1, -1, 1), CAT_SET)
COMMAND(SELECT, "select", NULL, docs_select, 2,
    CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(SET, "set", cmd_set, docs_set, -3,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_STRING)
COMMAND(SETBIT, "setbit", cmd_setbit, docs_setbit, 4,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_BITMAP)
COMMAND(SETEX, "setex", cmd_setex, docs_setex, 4,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_STRING)
COMMAND(SETNX, "setnx", cmd_setnx, docs_setnx, 3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(SETRANGE, "setrange", cmd_setrange, docs_setrange, 4,
    CMD_WRITE | CMD_GROWS, KEYS(1, 1, 1), CAT_STRING)
COMMAND(SHARDFORGE_ABORT, "shardforge.abort", cmd_shardforge_abort, docs_internal, 1,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_ACL, "shardforge.acl", cmd_shardforge_acl, docs_internal, -2,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_AGAIN, "shardforge.again", cmd_shardforge_again, docs_internal, -3,
    CMD_WRITE | CMD_BLOCKING | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_EXEC, "shardforge.exec", cmd_shardforge_exec, docs_internal, 4,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_MOVED, "shardforge.moved", cmd_shardforge_moved, docs_internal, -2,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_PUBLISH, "shardforge.publish", cmd_shardforge_publish, docs_internal, 4,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_SETTING, "shardforge.setting", cmd_shardforge_setting, docs_internal, -3,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_SOURCE, "shardforge.source", cmd_shardforge_source, docs_internal, -5,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHARDFORGE_UNBLOCK, "shardforge.unblock", cmd_shardforge_unblock, docs_internal, -7,
    CMD_WRITE | CMD_INTERNAL, NO_KEYS, 0)
COMMAND(SHUTDOWN, "shutdown", NULL, docs_shutdown, -1,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI | CMD_ALLOW_BUSY | CMD_LOCAL,
    NO_KEYS, 0)
COMMAND(SINTER, "sinter", cmd_sinter, docs_sinter, -2,
    CMD_READ, KEYS(1, -1, 1), CAT_SET)
COMMAND(SINTERCARD, "sintercard", cmd_sintercard, docs_sintercard, -3,
    CMD_READ | CMD_MOVABLE_KEYS, NO_KEYS, CAT_SET)
COMMAND(SINTERSTORE, "sinterstore", cmd_sinterstore, docs_sinterstore, -3,
    CMD_WRITE | CMD_GROWS, KEYS(1, -1, 1), CAT_SET)
COMMAND(SISMEMBER, "sismember", cmd_sismember, docs_sismember, 3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SET)
COMMAND(SLAVEOF, "slaveof", cmd_replicaof, docs_slaveof, 3,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_NO_ASYNC_LOADING | CMD_LOGGED, NO_KEYS, 0)
CONTAINER(SLOWLOG, SLOWLOG_RESET, "slowlog", NULL, docs_slowlog, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(SLOWLOG_GET, "slowlog|get", NULL, docs_slowlog_get, -2,
    CMD_ADMIN | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(SLOWLOG_HELP, "slowlog|help", NULL, docs_slowlog_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(SLOWLOG_LEN, "slowlog|len", NULL, docs_slowlog_len, 2,
    CMD_ADMIN | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(SLOWLOG_RESET, "slowlog|reset", NULL, docs_slowlog_reset, 2,
    CMD_ADMIN | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(SMEMBERS, "smembers", cmd_smembers, docs_smembers, 2,
    CMD_READ, KEYS(1, 1, 1), CAT_SET)
COMMAND(SMISMEMBER, "smismember", cmd_smismember, docs_smismember, -3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SET)
COMMAND(SMOVE, "smove", cmd_smove, docs_smove, 4,
    CMD_WRITE | CMD_FAST, KEYS(1, 2, 1), CAT_SET)
COMMAND(SORT, "sort", cmd_sort, docs_sort, -2,
    CMD_WRITE | CMD_GROWS | CMD_MOVABLE_KEYS, KEYS(1, 1, 1),
    CAT_SET | CAT_SORTEDSET | CAT_LIST | CAT_DANGEROUS)
COMMAND(SORT_RO, "sort_ro", cmd_sort, docs_sort_ro, -2,
    CMD_READ | CMD_MOVABLE_KEYS, KEYS(1, 1, 1),
    CAT_SET | CAT_SORTEDSET | CAT_LIST | CAT_DANGEROUS)
COMMAND(SPOP, "spop", cmd_spop, docs_spop, -2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_SET)
COMMAND(SPUBLISH, "spublish", NULL, docs_spublish, 3,
    CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, KEYS(1, 1, 1), 0)
COMMAND(SRANDMEMBER, "srandmember", cmd_srandmember, docs_srandmember, -2,
    CMD_READ, KEYS(1, 1, 1), CAT_SET)
COMMAND(SREM, "srem", cmd_srem, docs_srem, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_SET)
COMMAND(SSCAN, "sscan", cmd_sscan, docs_sscan, -3,
    CMD_READ, KEYS(1, 1, 1), CAT_SET)
COMMAND(SSUBSCRIBE, "ssubscribe", NULL, docs_ssubscribe, -2,
    CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, KEYS(1, -1, 1), 0)
COMMAND(STRLEN, "strlen", cmd_strlen, docs_strlen, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_STRING)
COMMAND(SUBSCRIBE, "subscribe", NULL, docs_subscribe, -2,
    CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(SUBSTR, "substr", cmd_getrange, docs_substr, 4,
    CMD_READ, KEYS(1, 1, 1), CAT_STRING)
COMMAND(SUNION, "sunion", cmd_sunion, docs_sunion, -2,
    CMD_READ, KEYS(1, -1, 1), CAT_SET)
COMMAND(SUNIONSTORE, "sunionstore", cmd_sunionstore, docs_sunionstore, -3,
    CMD_WRITE | CMD_GROWS, KEYS(1, -1, 1), CAT_SET)
COMMAND(SUNSUBSCRIBE, "sunsubscribe", NULL, docs_sunsubscribe, -1,
    CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, KEYS(1, -1, 1), 0)
COMMAND(SWAPDB, "swapdb", cmd_swapdb, docs_swapdb, 3,
    CMD_WRITE | CMD_FAST, NO_KEYS, CAT_KEYSPACE | CAT_DANGEROUS)
COMMAND(SYNC, "sync", NULL, docs_sync, 1,
    CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI | CMD_LOCAL, NO_KEYS, 0)
COMMAND(TIME, "time", NULL, docs_time, 1,
    CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, NO_KEYS, 0)
COMMAND(TOUCH, "touch", cmd_exists, docs_touch, -2,
    CMD_READ | CMD_FAST, KEYS(1, -1, 1), CAT_KEYSPACE)
COMMAND(TTL, "ttl", cmd_ttl, docs_ttl, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(TYPE, "type", cmd_type, docs_type, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_KEYSPACE)
COMMAND(UNLINK, "unlink", cmd_del, docs_unlink, -2,
    CMD_WRITE | CMD_FAST, KEYS(1, -1, 1), CAT_KEYSPACE)
COMMAND(UNSUBSCRIBE, "unsubscribe", NULL, docs_unsubscribe, -1,
    CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, 0)
COMMAND(UNWATCH, "unwatch", NULL, docs_unwatch, 1,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY | CMD_LOCAL, NO_KEYS,
    CAT_TRANSACTION)
COMMAND(WAIT, "wait", NULL, docs_wait, 3,
    CMD_NOSCRIPT | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(WAITAOF, "waitaof", NULL, docs_waitaof, 4,
    CMD_NOSCRIPT | CMD_LOCAL, NO_KEYS, CAT_CONNECTION)
COMMAND(WATCH, "watch", NULL, docs_watch, -2,
    CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY | CMD_LOCAL, KEYS(1, -1, 1),
    CAT_TRANSACTION)
COMMAND(XACK, "xack", cmd_xack, docs_xack, -4,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XADD, "xadd", cmd_xadd, docs_xadd, -5,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XAUTOCLAIM, "xautoclaim", cmd_xautoclaim, docs_xautoclaim, -6,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XCLAIM, "xclaim", cmd_xclaim, docs_xclaim, -6,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XDEL, "xdel", cmd_xdel, docs_xdel, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_STREAM)
CONTAINER(XGROUP, XGROUP_SETID, "xgroup", NULL, docs_xgroup, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(XGROUP_CREATE, "xgroup|create", cmd_xgroup_create, docs_xgroup_create, -5,
    CMD_WRITE | CMD_GROWS, KEYS(2, 2, 1), CAT_STREAM)
COMMAND(XGROUP_CREATECONSUMER, "xgroup|createconsumer", cmd_xgroup_createconsumer, docs_xgroup_createconsumer, 5,
    CMD_WRITE | CMD_GROWS, KEYS(2, 2, 1), CAT_STREAM)
COMMAND(XGROUP_DELCONSUMER, "xgroup|delconsumer", cmd_xgroup_delconsumer, docs_xgroup_delconsumer, 5,
    CMD_WRITE, KEYS(2, 2, 1), CAT_STREAM)
COMMAND(XGROUP_DESTROY, "xgroup|destroy", cmd_xgroup_destroy, docs_xgroup_destroy, 4,
    CMD_WRITE, KEYS(2, 2, 1), CAT_STREAM)
COMMAND(XGROUP_HELP, "xgroup|help", cmd_xgroup_help, docs_xgroup_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_STREAM)
COMMAND(XGROUP_SETID, "xgroup|setid", cmd_xgroup_setid, docs_xgroup_setid, -5,
    CMD_WRITE, KEYS(2, 2, 1), CAT_STREAM)
CONTAINER(XINFO, XINFO_STREAM, "xinfo", NULL, docs_xinfo, -2,
    CMD_LOCAL, NO_KEYS, 0)
COMMAND(XINFO_CONSUMERS, "xinfo|consumers", cmd_xinfo_consumers, docs_xinfo_consumers, 4,
    CMD_READ, KEYS(2, 2, 1), CAT_STREAM)
COMMAND(XINFO_GROUPS, "xinfo|groups", cmd_xinfo_groups, docs_xinfo_groups, 3,
    CMD_READ, KEYS(2, 2, 1), CAT_STREAM)
COMMAND(XINFO_HELP, "xinfo|help", cmd_xinfo_help, docs_xinfo_help, 2,
    CMD_LOADING | CMD_STALE | CMD_LOCAL, NO_KEYS, CAT_STREAM)
COMMAND(XINFO_STREAM, "xinfo|stream", cmd_xinfo_stream, docs_xinfo_stream, -3,
    CMD_READ, KEYS(2, 2, 1), CAT_STREAM)
COMMAND(XLEN, "xlen", cmd_xlen, docs_xlen, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XPENDING, "xpending", cmd_xpending, docs_xpending, -3,
    CMD_READ, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XRANGE, "xrange", cmd_xrange, docs_xrange, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XREAD, "xread", cmd_xread, docs_xread, -4,
    CMD_READ | CMD_BLOCKING | CMD_MOVABLE_KEYS, NO_KEYS, CAT_STREAM)
COMMAND(XREADGROUP, "xreadgroup", cmd_xreadgroup, docs_xreadgroup, -7,
    CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS, NO_KEYS, CAT_STREAM)
COMMAND(XREVRANGE, "xrevrange", cmd_xrevrange, docs_xrevrange, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XSETID, "xsetid", cmd_xsetid, docs_xsetid, -3,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(XTRIM, "xtrim", cmd_xtrim, docs_xtrim, -4,
    CMD_WRITE, KEYS(1, 1, 1), CAT_STREAM)
COMMAND(ZADD, "zadd", cmd_zadd, docs_zadd, -4,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZCARD, "zcard", cmd_zcard, docs_zcard, 2,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZCOUNT, "zcount", cmd_zcount, docs_zcount, 4,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZDIFF, "zdiff", cmd_zdiff, docs_zdiff, -3,
    CMD_READ | CMD_MOVABLE_KEYS, NO_KEYS, CAT_SORTEDSET)
COMMAND(ZDIFFSTORE, "zdiffstore", cmd_zdiffstore, docs_zdiffstore, -4,
    CMD_WRITE | CMD_GROWS | CMD_MOVABLE_KEYS, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZINCRBY, "zincrby", cmd_zincrby, docs_zincrby, 4,
    CMD_WRITE | CMD_GROWS | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZINTER, "zinter", cmd_zinter, docs_zinter, -3,
    CMD_READ | CMD_MOVABLE_KEYS, NO_KEYS, CAT_SORTEDSET)
COMMAND(ZINTERCARD, "zintercard", cmd_zintercard, docs_zintercard, -3,
    CMD_READ | CMD_MOVABLE_KEYS, NO_KEYS, CAT_SORTEDSET)
COMMAND(ZINTERSTORE, "zinterstore", cmd_zinterstore, docs_zinterstore, -4,
    CMD_WRITE | CMD_GROWS | CMD_MOVABLE_KEYS, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZLEXCOUNT, "zlexcount", cmd_zlexcount, docs_zlexcount, 4,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZMPOP, "zmpop", cmd_zmpop, docs_zmpop, -4,
    CMD_WRITE | CMD_MOVABLE_KEYS, NO_KEYS, CAT_SORTEDSET)
COMMAND(ZMSCORE, "zmscore", cmd_zmscore, docs_zmscore, -3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZPOPMAX, "zpopmax", cmd_zpopmax, docs_zpopmax, -2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZPOPMIN, "zpopmin", cmd_zpopmin, docs_zpopmin, -2,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZRANDMEMBER, "zrandmember", cmd_zrandmember, docs_zrandmember, -2,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZRANGE, "zrange", cmd_zrange, docs_zrange, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZRANGEBYLEX, "zrangebylex", cmd_zrangebylex, docs_zrangebylex, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZRANGEBYSCORE, "zrangebyscore", cmd_zrangebyscore, docs_zrangebyscore, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZRANGESTORE, "zrangestore", cmd_zrangestore, docs_zrangestore, -5,
    CMD_WRITE | CMD_GROWS, KEYS(1, 2, 1), CAT_SORTEDSET)
COMMAND(ZRANK, "zrank", cmd_zrank, docs_zrank, -3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREM, "zrem", cmd_zrem, docs_zrem, -3,
    CMD_WRITE | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREMRANGEBYLEX, "zremrangebylex", cmd_zremrangebylex, docs_zremrangebylex, 4,
    CMD_WRITE, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREMRANGEBYRANK, "zremrangebyrank", cmd_zremrangebyrank, docs_zremrangebyrank, 4,
    CMD_WRITE, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREMRANGEBYSCORE, "zremrangebyscore", cmd_zremrangebyscore, docs_zremrangebyscore, 4,
    CMD_WRITE, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREVRANGE, "zrevrange", cmd_zrevrange, docs_zrevrange, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREVRANGEBYLEX, "zrevrangebylex", cmd_zrevrangebylex, docs_zrevrangebylex, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREVRANGEBYSCORE, "zrevrangebyscore", cmd_zrevrangebyscore, docs_zrevrangebyscore, -4,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZREVRANK, "zrevrank", cmd_zrevrank, docs_zrevrank, -3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZSCAN, "zscan", cmd_zscan, docs_zscan, -3,
    CMD_READ, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZSCORE, "zscore", cmd_zscore, docs_zscore, 3,
    CMD_READ | CMD_FAST, KEYS(1, 1, 1), CAT_SORTEDSET)
COMMAND(ZUNION, "zunion", cmd_zunion, docs_zunion, -3,
    CMD_READ | CMD_MOVABLE_KEYS, NO_KEYS, CAT_SORTEDSET)
COMMAND(ZUNIONSTORE, "zunionstore", cmd_zunionstore, docs_zunionstore, -4,
    CMD_WRITE | CMD_GROWS | CMD_MOVABLE_KEYS, KEYS(1, 1, 1), CAT_SORTEDSET)
/* clang-format on */
