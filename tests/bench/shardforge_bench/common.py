"""What the benches share: the load generator and what it reports, processes whose CPU time counts."""
import pathlib
import subprocess
import statistics

from shardforge_testing.process import check


class Figures:
    """What the load generator reported."""

    def __init__(self, text):
        self.values, self.pauses_ms, self.errors = {}, {}, {}
        for line in text.splitlines():
            words = line.split(" ")
            if words[0] == "pause_ms":
                self.pauses_ms[words[1]] = float(words[2])
            elif words[0] == "error":
                self.errors[" ".join(words[2:])] = int(words[1])
            elif words[0] != "second":
                self.values[words[0]] = float(words[1])


class LoadGenerator:
    def __init__(self, build):
        self.path = pathlib.Path(build) / "tests" / "bench" / "load"
        check(self.path.exists(), f"{self.path} is built")

    def spawn(self, ports, **options):
        arguments = [str(self.path), "--at", ",".join(f"127.0.0.1:{port}" for port in ports)]
        for name, value in options.items():
            arguments += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def finish(process, deadline_s=60):
        output, complaint = process.communicate(timeout=deadline_s)
        check(process.returncode == 0, f"load: {complaint}")
        return Figures(output)

    def run(self, ports, **options):
        return self.finish(self.spawn(ports, **options))


def median_of(samples):
    return [statistics.median(column) for column in zip(*samples)]


def p90(ordered):
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
