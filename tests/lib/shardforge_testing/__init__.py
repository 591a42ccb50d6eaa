"""What the Python tests share: RESP, processes, a plain Redis, a ShardForge cluster, load."""
