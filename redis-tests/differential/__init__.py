"""The same commands to a real redis-server and to ShardForge, replies compared."""
