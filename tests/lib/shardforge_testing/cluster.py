"""ShardForge nodes as real processes: fresh directories, MEET, readiness by INFO raft, kills and restarts."""
import os
import shutil
import sys
import tempfile

from . import resp
from .process import Failure, ServerProcess, check, free_port, wait_until

SECRET = "a secret of the tests alone"
BUS_OFFSET = 10000  # where --cluster-join looks for the bus


class Node(ServerProcess):
    def __init__(self, binary, number, directory, directives=(), environment=None, port=None, bus_port=None):
        self.name = f"node {number}"
        self.number = number
        self.log_path = os.path.join(str(directory), "log")
        port = port or free_port(BUS_OFFSET)
        self.bus_port = bus_port or port + BUS_OFFSET
        os.makedirs(directory, exist_ok=True)
        arguments = [binary, "--port", port, "--cluster-port", self.bus_port, "--dir", directory,
                     "--cluster-secret", SECRET, "--logfile", self.log_path, "--enable-debug-command", "yes"]
        super().__init__(arguments + list(directives), port, directory, environment)

    def last_words(self, lines=15):
        text = super().last_words(lines)
        try:
            with open(self.log_path, errors="replace") as file:
                text += "".join(file.readlines()[-lines:])
        except OSError:
            pass
        return text

    def listens(self):
        """Listens and knows its own id, which a fresh node makes and saves first."""
        return super().listens() and not self.node_id().startswith("0" * 16)

    def raft(self):
        """INFO raft as a dict of strings."""
        with self.client(timeout_s=20.0) as client:
            return client.info("raft")

    def call(self, *arguments, timeout_s=10.0):
        with self.client(timeout_s=timeout_s) as client:
            return client.call(*arguments)

    def node_id(self):
        return self.call("CLUSTER", "MYID").text

    def wipe(self):
        """Takes the data away; the addresses stay."""
        check(not self.is_running(), "wipe of a running node")
        shutil.rmtree(self.directory)
        os.makedirs(self.directory)


class Cluster:
    """n nodes. As a context manager: started, joined and ready; everything is killed and removed at the end (kept
    with KEEP=1 in the environment, or when the body failed and KEEP_FAILED=1)."""

    def __init__(self, server_binary, n=3, directives=(), dir=None, environment=None, join=True):
        self.binary = os.path.abspath(server_binary)
        self.directory = str(dir) if dir else tempfile.mkdtemp(prefix="shardforge-")
        self.directives = [str(directive) for directive in directives]
        self.environment = environment or {}
        self.joins = join
        self.nodes = [self.new_node(number) for number in range(1, n + 1)]

    def new_node(self, number, directives=(), **keywords):
        directory = os.path.join(self.directory, f"node-{number}")
        return Node(self.binary, number, directory, self.directives + list(directives), self.environment, **keywords)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *_):
        for node in self.nodes:
            node.kill()
        keep = os.environ.get("KEEP") == "1" or (kind is not None and os.environ.get("KEEP_FAILED") == "1")
        if keep:
            print(f"kept: {self.directory}", file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    # -- starting --------------------------------------------------------------------------------------

    def start(self):
        """Fresh nodes. The first bootstraps at once, the others are introduced to it by MEET."""
        first, others = self.nodes[0], self.nodes[1:]
        first.start(["--cluster-bootstrap", "yes"])
        for node in others:
            node.start(["--cluster-bootstrap", "no"] if self.joins else [])
        self.wait_leader([first])
        if self.joins:
            for node in others:
                self.meet(node, first)
            self.wait_ready()

    def meet(self, fresh, member):
        """MEET sent to the fresh node; returns when it is a full member."""
        wait_until(lambda: not member.call("DBSIZE").is_error, f"{member.name} serves")
        answer = fresh.call("CLUSTER", "MEET", "127.0.0.1", member.port, member.bus_port)
        check(answer == resp.Reply("+", b"OK"), f"CLUSTER MEET at {fresh.name}: {answer}")
        self.wait_member(fresh)

    def wait_member(self, node, deadline_s=30.0):
        def is_member():
            raft = node.raft()
            return raft.get("raft_join_state") in ("member", "none") and \
                raft.get("raft_role") in ("leader", "follower") and int(raft.get("raft_members", 0)) > 1
        wait_until(is_member, f"{node.name} is a member", deadline_s, pause_s=0.02)

    def wait_leader(self, nodes=None, deadline_s=15.0):
        """The node that leads, once all the given (running) ones name the same one in the same term."""
        def agreed():
            views = [(node, node.raft()) for node in (nodes or self.running())]
            leaders = [node for node, raft in views if raft.get("raft_role") == "leader"]
            names = {(raft.get("raft_leader_id"), raft.get("raft_term")) for _, raft in views}
            return leaders[0] if len(leaders) == 1 and len(names) == 1 else None
        return wait_until(agreed, "one leader that all nodes name", deadline_s, pause_s=0.02)

    def wait_ready(self, nodes=None, members=None, deadline_s=30.0):
        """All given nodes know one leader and all members, and have applied what is committed."""
        nodes = nodes or self.running()
        members = members or len(self.nodes)
        self.wait_leader(nodes, deadline_s)

        def settled():
            views = [node.raft() for node in nodes]
            same = {view.get("raft_commit_index") for view in views} | {view.get("raft_applied_index") for view in views}
            return len(same) == 1 and all(view.get("raft_members") == str(members) for view in views)
        wait_until(settled, f"{len(nodes)} nodes at the same index with {members} members", deadline_s, pause_s=0.02)

    # -- looking ---------------------------------------------------------------------------------------

    def running(self):
        return [node for node in self.nodes if node.is_running() and not node.is_stopped]

    def leader(self):
        return self.wait_leader()

    def followers(self):
        leader = self.leader()
        return [node for node in self.running() if node is not leader]

    def digests(self, nodes=None):
        """DEBUG DIGEST of each node, all linearizable reads of the same state."""
        return [node.call("DEBUG", "DIGEST").text for node in (nodes or self.running())]

    def check_equal_digests(self):
        wait_until(lambda: len(set(self.digests())) == 1, f"equal digests, not {self.digests()}", 10.0)

    # -- harm ------------------------------------------------------------------------------------------

    def restart(self, node):
        """Starts a dead node again from its directory and waits until it has caught up."""
        node.start()
        self.wait_ready()

    def kill_all(self):
        """kill -9 of all nodes, signals first, so that they die together."""
        for node in self.nodes:
            if node.is_running():
                node.process.kill()
        for node in self.nodes:
            node.kill()

    def start_all(self):
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            wait_until(node.listens, f"{node.name} listens again")
        self.wait_ready()


__all__ = ["Cluster", "Node", "Failure", "SECRET"]
