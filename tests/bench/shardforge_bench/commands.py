"""CPU of each command: the state machine alone, one node whole, and a redis-server without persistence beside it."""
import pathlib
import shlex
import subprocess

from shardforge_testing.cluster import Cluster
from shardforge_testing.redis import Redis

COUNT = 200_000
KEYS = 100_000
SPEC = pathlib.Path(__file__).resolve().parent.parent / "commands.txt"


def rows():
    for line in SPEC.read_text().splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split("|")]


def set_up(port, text):
    lines = []
    for step in filter(None, (step.strip() for step in text.split(";"))):
        times, _, command = step.partition("*") if step.split("*")[0].isdigit() else ("1", "", step)
        lines += [command.replace("{i}", f"{number:012d}") for number in range(int(times))]
    if lines:
        subprocess.run(["redis-cli", "-p", str(port), "--pipe"], input="\r\n".join(lines) + "\r\n", text=True, check=True,
                       capture_output=True)


def cpu_us(process, port, setup, command):
    """CPU microseconds of the server for each command."""
    set_up(port, setup)
    words = [word.replace("{r}", "__rand_int__") for word in shlex.split(command)]
    before_s = process.cpu_s()
    subprocess.run(["redis-benchmark", "-p", str(port), "-n", str(COUNT), "-r", str(KEYS), "-P", "16", "-c", "50", "-q", *words],
                   check=True, capture_output=True, timeout=120)
    return 1e6 * (process.cpu_s() - before_s) / COUNT


def commands(server, load, directory):
    tool = load.path.parent / "engine_bench"
    output = subprocess.run([str(tool), "commands", str(SPEC)], check=True, capture_output=True, text=True).stdout
    alone = dict(line.split("\t") for line in output.splitlines())
    print(f"{'CPU us for each command, -P 16':<32}{'engine alone':>14}{'one node':>10}{'redis':>8}{'ratio':>8}")
    with Redis() as redis, Cluster(server, 1, dir=f"{directory}/one") as one:
        node = one.nodes[0]
        for name, setup, command in rows():
            figures = []
            for process in (node, redis):
                with process.client() as client:
                    client.call("FLUSHALL")
                figures.append(cpu_us(process, process.port, setup, command))
            print(f"{name:<32}{float(alone[name]) / 1000:>14.2f}{figures[0]:>10.2f}{figures[1]:>8.2f}{figures[0] / figures[1]:>8.2f}",
                  flush=True)
