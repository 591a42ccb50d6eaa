"""5,000 clients that wait for one list: what they cost while nothing comes, and how each push is served."""
import resource
import selectors
import statistics
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check, wait_until
from shardforge_testing.resp import Client, encode

N_CLIENTS = 5000
IDLE_SECONDS = 10
N_PUSHES = 1000


def blocked(server, _, directory):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Cluster(server, 3, dir=f"{directory}/blocked") as cluster:
        quiet = idle_cost(cluster.nodes)
        waiters = [wait_for_list(cluster.nodes[number % 3]) for number in range(N_CLIENTS)]
        try:
            wait_until(lambda: waiting(cluster) == N_CLIENTS, "everybody waits", 60)
            loaded = idle_cost(cluster.nodes)
            for node in cluster.nodes:
                print(f"{node.name}: idle {quiet[node]:.2f} % of a core, with {N_CLIENTS} waiting {loaded[node]:.2f} %")
            serve(cluster, waiters)
        finally:
            for client in waiters:
                client.close()


def wait_for_list(node):
    client = Client(node.port, timeout_s=30)
    client.send_raw(encode(["BLPOP", "list", 0]))
    return client


def waiting(cluster):
    return sum(int(node.call("INFO", "clients").text.split("blocked_clients:")[1].split()[0]) for node in cluster.nodes)


def idle_cost(nodes):
    before = {node: node.cpu_s() for node in nodes}
    time.sleep(IDLE_SECONDS)  # the time that is measured
    return {node: 100 * (node.cpu_s() - before[node]) / IDLE_SECONDS for node in nodes}


def serve(cluster, waiters):
    """Pushes one at a time, each answered before the next; somebody has the element then."""
    leader = cluster.leader()
    before = int(leader.raft()["raft_commit_index"])
    took_ms = []
    with leader.client() as pusher, selectors.DefaultSelector() as readable:
        for client in waiters:
            readable.register(client.socket, selectors.EVENT_READ, client)
        for number in range(N_PUSHES):
            began = time.perf_counter()
            check(pusher.call("RPUSH", "list", f"element {number}").value == 1, "it is pushed")
            ready = readable.select(10)
            took_ms.append(1000 * (time.perf_counter() - began))
            check(len(ready) == 1, f"{len(ready)} are served by one push")
            client = ready[0][0].data
            check(client.read().value[1].value == f"element {number}".encode(), "with what was pushed")
    entries = int(leader.raft()["raft_commit_index"]) - before
    check(waiting(cluster) == N_CLIENTS - N_PUSHES, "each push ends one wait")
    print(f"{N_PUSHES} pushes: {entries} entries of the log; push to the waiter's reply median "
          f"{statistics.median(took_ms):.2f} ms, longest {max(took_ms):.1f} ms")
