"""What a client waits while the server does something large: paced load, the machine's own hiccups beside it."""
import signal
import statistics
import subprocess

from shardforge_testing.process import check, wait_until

RATE = 10_000  # SETs a second, and as many GETs: a server that is busy, and a machine that is not full
LOAD = {"connections": 25, "rate": RATE, "value_bytes": 32, "timeout_ms": 30000}


class Window:
    """Some seconds of load: what was waited, and by how much a process that only sleeps was late. SETs wait for the disk
    too; GETs tell what the server itself does."""

    def __init__(self, load, ports, seconds, keys, action=None):
        probe = subprocess.Popen([str(load.path.parent / "stall_probe")], stdout=subprocess.PIPE, text=True)
        try:
            generators = {mix: load.spawn(ports, seconds=seconds, keys=keys, mix=mix, **LOAD) for mix in ("get", "set")}
            if action is not None:
                action()
            figures = {mix: load.finish(generator, seconds + 60) for mix, generator in generators.items()}
        finally:
            probe.send_signal(signal.SIGTERM)
            late = dict(line.split() for line in probe.communicate()[0].splitlines())
        for of in figures.values():
            check(not of.errors, f"errors: {of.errors}")
        self.waits_ms = {mix: {name: of.values[f"latency_us_{name}"] / 1000 for name in ("p50", "p999", "max")}
                         for mix, of in figures.items()}
        self.late_ms = float(late["late_us_max"]) / 1000


def show(title, windows):
    late = [window.late_ms for window in windows]
    for mix in ("get", "set"):
        def column(name):
            return [window.waits_ms[mix][name] for window in windows]
        print(f"  {title:<26} {mix.upper()}  p50 {statistics.median(column('p50')):6.2f}  p99.9 "
              f"{statistics.median(column('p999')):7.2f}  longest: median {statistics.median(column('max')):6.1f}, of all "
              f"{max(column('max')):6.1f}", end="")
        print(f"; probe: median {statistics.median(late):5.1f}, of all {max(late):5.1f}" if mix == "get" else "")


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
