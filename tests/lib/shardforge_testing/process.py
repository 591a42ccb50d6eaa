"""One server process, its ports, its life and its end."""
import os
import random
import signal
import socket
import subprocess
import time

from . import resp

_chooser = random.Random(os.getpid() ^ time.time_ns())
_given = set()


class Failure(Exception):
    """What a test says when a property does not hold."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(bus_offset=0):
    """A port nobody listens on, below the range that the kernel hands out to outgoing connections; the port that far
    above it is free too."""
    while True:
        port = _chooser.randrange(11000, 21000)
        wanted = {port, port + bus_offset}
        if not wanted & _given and all(is_free(one) for one in wanted):
            _given.update(wanted)
            return port


def wait_until(condition, what, deadline_s=15.0, pause_s=0.01):
    """Polls until condition() is true and returns what it gave; Failure that names `what` at the deadline. A refused
    or broken connection counts as "not yet"."""
    end = time.monotonic() + deadline_s
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (OSError, resp.Closed, TimeoutError) as error:
            last = error
        if time.monotonic() > end:
            raise Failure(f"not within {deadline_s:g} s: {what} (last: {last!r})")
        time.sleep(pause_s)


class ServerProcess:
    """A server that speaks RESP at self.port. start() returns when it listens."""

    name = "server"

    def __init__(self, arguments, port, directory, environment=None):
        self.arguments = [str(argument) for argument in arguments]
        self.port = port
        self.directory = str(directory)
        self.environment = environment or {}
        self.process = None
        self.is_stopped = False

    @property
    def pid(self):
        return self.process.pid

    @property
    def output_path(self):
        return self.directory.rstrip("/") + ".out"

    def spawn(self, extra_arguments=(), extra_environment=None):
        """Starts the process without waiting for anything."""
        output = open(self.output_path, "ab")
        environment = dict(os.environ, **self.environment, **(extra_environment or {}))
        self.process = subprocess.Popen(
            self.arguments + [str(a) for a in extra_arguments], stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        output.close()
        self.is_stopped = False

    def start(self, extra_arguments=(), extra_environment=None):
        self.spawn(extra_arguments, extra_environment)
        wait_until(self.listens, f"{self.name} listens at {self.port}")
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with code {self.process.returncode}:\n{self.last_words()}")
        with self.client(timeout_s=2.0) as client:
            return not client.call("PING").is_nil

    def last_words(self, lines=15):
        try:
            with open(self.output_path, errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""

    def client(self, timeout_s=10.0, protocol=2):
        return resp.Client(self.port, timeout_s=timeout_s, protocol=protocol)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9, and its end awaited."""
        if self.is_running():
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def terminate(self, deadline_s=20.0):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(deadline_s)

    def suspend(self):
        self.process.send_signal(signal.SIGSTOP)
        self.is_stopped = True

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.is_stopped = False

    def cpu_s(self):
        """User and system seconds used so far."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
