"""A plain redis-server: the oracle of redis-tests, the yardstick of the benchmarks."""
import os
import shutil
import tempfile

from .process import ServerProcess, free_port

BINARY = "/usr/bin/redis-server"


class Redis(ServerProcess):
    name = "redis-server"

    def __init__(self, directives=(), directory=None):
        self.own_directory = tempfile.mkdtemp(prefix="redis-") if directory is None else None
        directory = self.own_directory or str(directory)
        os.makedirs(directory, exist_ok=True)
        port = free_port()
        arguments = [BINARY, "--port", port, "--dir", directory, "--save", "", "--daemonize", "no",
                     "--enable-debug-command", "yes", "--bind", "127.0.0.1", "--loglevel", "warning"]
        super().__init__(arguments + list(directives), port, directory)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        if self.own_directory:
            shutil.rmtree(self.own_directory, ignore_errors=True)
            if os.path.exists(self.output_path):
                os.unlink(self.output_path)
