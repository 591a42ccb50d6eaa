"""What a client waits while the server does something large: paced load, the machine's own hiccups beside it."""
import signal
import statistics
import subprocess

from shardforge_testing.process import check, wait_until

RATE = 20_000  # commands a second: a server that is busy, and a machine that is not full
LOAD = {"mix": "set,get", "connections": 50, "rate": RATE, "value_bytes": 32, "timeout_ms": 30000}


class Window:
    """Some seconds of load: what was waited, and by how much a process that only sleeps was late."""

    def __init__(self, load, ports, seconds, keys, action=None):
        probe = subprocess.Popen([str(load.path.parent / "stall_probe")], stdout=subprocess.PIPE, text=True)
        try:
            generator = load.spawn(ports, seconds=seconds, keys=keys, **LOAD)
            if action is not None:
                action()
            figures = load.finish(generator, seconds + 60)
        finally:
            probe.send_signal(signal.SIGTERM)
            late = dict(line.split() for line in probe.communicate()[0].splitlines())
        check(not figures.errors, f"errors: {figures.errors}")
        self.p50_ms, self.p999_ms, self.max_ms = (figures.values[f"latency_us_{name}"] / 1000
                                                  for name in ("p50", "p999", "max"))
        self.throughput = figures.values["throughput"]
        self.late_ms = float(late["late_us_max"]) / 1000

    def __str__(self):
        return f"p99.9 {self.p999_ms:.2f}, longest {self.max_ms:.1f} (probe {self.late_ms:.1f})"


def show(title, windows):
    def column(name):
        return [getattr(window, name) for window in windows]
    print(f"  {title:<26} p50 {statistics.median(column('p50_ms')):6.2f}  p99.9 {statistics.median(column('p999_ms')):7.2f}  "
          f"longest: median {statistics.median(column('max_ms')):6.1f}, of all {max(column('max_ms')):6.1f}; "
          f"probe: median {statistics.median(column('late_ms')):5.1f}, of all {max(column('late_ms')):5.1f}")


def info_field(server, section, name):
    with server.client(timeout_s=60.0) as client:
        return client.info(section).get(name)


def save_and_wait(server, deadline_s=300.0):
    saves = begin_save(server)
    wait_until(lambda: saved(server, saves), "a snapshot", deadline_s, pause_s=0.05)


def begin_save(server):
    saves = int(info_field(server, "persistence", "rdb_saves"))
    with server.client(timeout_s=60.0) as client:
        answer = client.call("BGSAVE")
    check(not answer.is_error, f"BGSAVE: {answer}")
    return saves


def saved(server, saves):
    return int(info_field(server, "persistence", "rdb_saves")) > saves and \
        info_field(server, "persistence", "rdb_bgsave_in_progress") == "0"


def fill(load, port, keys):
    figures = load.finish(load.spawn([port], mix="set", count=keys, keys=keys, value_bytes=32, connections=50, pipeline=64,
                                     timeout_ms=60000, in_order=True), 600)
    check(not figures.errors, f"errors: {figures.errors}")
