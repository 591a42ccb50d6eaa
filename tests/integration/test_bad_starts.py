"""What cannot work says so in one clear line and ends with an exit code; it never starts halfway."""
import pathlib
import re
import socket
import subprocess

from shardforge_testing.cluster import SECRET
from shardforge_testing.process import check, free_port

START_DEADLINE_S = 15.0


def refused(context, directives, names):
    """Starts a server that must end by itself; the line it ends with must match `names`."""
    arguments = [context.server] + [str(directive) for directive in directives]
    try:
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=START_DEADLINE_S)
    except subprocess.TimeoutExpired as late:
        output = ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")
        check(False, f"{' '.join(arguments[1:])} goes on running; it said:\n{output[-600:]}")
    output = result.stdout + result.stderr
    lines = [line for line in output.splitlines() if line.strip()]
    check(result.returncode > 0, f"exit code above 0, not {result.returncode}:\n{output[-600:]}")
    check(bool(lines), "it says why")
    found = [line for line in lines if re.search(names, line, re.I)]
    check(bool(found), f"a line that matches /{names}/:\n{output[-600:]}")
    check(len(lines) <= 12 and not re.search(r"assert|backtrace|Sanitizer", output, re.I),
          f"a message, not a crash:\n{output[-1500:]}")
    context.say(f"{found[-1].strip()[:150]} (exit code {result.returncode})")


def ports(port=None, bus_port=None):
    return ["--port", port or free_port(), "--cluster-port", bus_port or free_port(), "--cluster-secret", SECRET]


def fresh_directory(context, name="data"):
    path = context.directory / name
    path.mkdir()
    return path


def test_a_directory_in_use_is_refused(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        refused(context, ports() + ["--dir", node.directory], r"lock|in use|another process")
        check(node.call("SET", "a", "1").text == "OK", "the first goes on")


def test_a_port_in_use_is_refused(context):
    directory = fresh_directory(context)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        refused(context, ports(port=port) + ["--dir", directory], rf"{port}")
        refused(context, ports(bus_port=port) + ["--dir", directory], rf"{port}")


def test_a_missing_directory_is_refused(context):
    missing = context.directory / "no" / "such"
    refused(context, ports() + ["--dir", missing], re.escape(str(missing)))


def test_a_directory_that_is_a_file_is_refused(context):
    path = context.directory / "file"
    path.write_text("not a directory")
    refused(context, ports() + ["--dir", path], re.escape(str(path)))


def test_bad_directives_are_refused_by_name(context):
    directory = fresh_directory(context)
    start = ports() + ["--dir", directory]
    refused(context, start + ["--nonsense", "1"], "nonsense")
    refused(context, start + ["--request-timeout", "soon"], "request-timeout")
    refused(context, start + ["--request-timeout"], "request-timeout")
    refused(context, start + ["--databases", "0"], "databases")
    refused(context, start + ["--cluster-bootstrap", "perhaps"], "cluster-bootstrap")
    refused(context, ["--port", "abc"], "port")
    refused(context, ["--port", "70000"], "port")
    refused(context, [context.directory / "no-such.conf"], "no-such.conf")


def test_a_bad_line_of_a_configuration_file_is_named(context):
    path = context.directory / "bad.conf"
    path.write_text("port 7000\nnonsense 1\n")
    refused(context, [path], "nonsense|line 2")


def largest_log_file(directory):
    files = [path for path in pathlib.Path(directory).rglob("*.log") if path.is_file()]
    check(bool(files), f"LevelDB's log files in {directory}")
    return max(files, key=lambda path: path.stat().st_size)


def test_a_damaged_byte_in_the_middle_of_the_log_stops_the_start(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        with node.client() as client:
            for number in range(400):
                check(client.call("SET", f"key:{number}", "v" * 4096).text == "OK", "SET")
        node.terminate()
        path = largest_log_file(node.directory)
        with open(path, "r+b") as file:
            file.seek(path.stat().st_size // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 0x40]))
        refused(context, node.arguments[1:node.arguments.index("--logfile")], r"corrupt|damage|bad bytes|missing|gap")


def test_a_fresh_node_without_bootstrap_serves_nothing(context):
    cluster = context.cluster(1, join=False)
    node = cluster.nodes[0]
    try:
        node.start(["--cluster-bootstrap", "no"])
        check(node.call("PING").text == "PONG", "PING is answered")
        for words in (["GET", "a"], ["SET", "a", "1"], ["DBSIZE"]):
            check(node.call(*words).is_error, f"{' '.join(words)} is refused")
    finally:
        node.kill()
