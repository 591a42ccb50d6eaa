/* The functions of the commands that run here (struct command's run), a file a family. */
#ifndef SF_COMMANDS_FUNCTIONS_H
#define SF_COMMANDS_FUNCTIONS_H

#include "commands/command.h"

/* string.c: values as wholes */
command_run cmd_get, cmd_getdel, cmd_getex, cmd_getset, cmd_mget, cmd_mset, cmd_msetnx, cmd_psetex,
    cmd_set, cmd_setex, cmd_setnx;
/* string_part.c: parts of values */
command_run cmd_append, cmd_getrange, cmd_setrange, cmd_strlen;
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
/* object.c */
command_run cmd_object_encoding, cmd_object_freq, cmd_object_help, cmd_object_idletime,
    cmd_object_refcount;
/* command_info.c, command_query.c: pure functions of the table */
command_run cmd_command, cmd_command_count, cmd_command_docs, cmd_command_getkeys,
    cmd_command_getkeysandflags, cmd_command_help, cmd_command_info, cmd_command_list;
/* setting.c */
command_run cmd_shardforge_setting;

#endif
