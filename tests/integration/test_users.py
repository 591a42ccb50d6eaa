"""Users are the cluster's: made at one node, known at all; deleted, closed at all; whoever leads and dies meanwhile."""
import contextlib
import pathlib

from shardforge_testing.process import check, wait_until
from shardforge_testing.resp import Closed


def expect(reply, text):
    check(reply.text == text, f"{text}, not {reply}")


@contextlib.contextmanager
def visitors(context, n, *directives):
    """A cluster, and a way into it: connections are closed at the end."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(context.cluster(n, *directives))

        def enter(node, name=None, password=None):
            client = stack.enter_context(node.client())
            reply = client.call("AUTH", name, password) if name else None
            return client if reply is None or reply.text == "OK" else reply
        yield cluster, enter


def is_closed(client):
    try:
        client.call("PING")
    except (Closed, OSError):
        return True
    return False


def test_a_user_made_at_one_node_logs_in_at_another_at_once(context):
    with visitors(context, 3) as (cluster, enter):
        admins = [enter(node) for node in cluster.nodes]
        for i in range(60):
            name = f"user{i}"
            expect(admins[i % 3].call("ACL", "SETUSER", name, "on", ">first", "+@all", f"~{name}:*"), "OK")
            for node in cluster.nodes:
                client = enter(node, name, "first")
                expect(client.call("SET", f"{name}:k", "v"), "OK")
                check(client.call("GET", "other").text.startswith("NOPERM"), "another's key is denied")
            expect(admins[(i + 1) % 3].call("ACL", "SETUSER", name, "<first"), "OK")
            for node in cluster.nodes:
                check(enter(node, name, "first").text.startswith("WRONGPASS"), "the old password is worth nothing")
        cluster.check_equal_digests()


def test_deleting_a_user_ends_his_connections_at_all_nodes(context):
    with visitors(context, 3) as (cluster, enter):
        admin = enter(cluster.nodes[0])
        expect(admin.call("ACL", "SETUSER", "gone", "on", ">p", "+@all", "~*", "&*"), "OK")
        clients = [enter(node, "gone", "p") for node in cluster.nodes]
        waiting = enter(cluster.nodes[1], "gone", "p")
        waiting.send_raw(b"BLPOP queue 0\r\n")
        expect(clients[1].call("SET", "k", "v"), "OK")
        expect(admin.call("ACL", "DELUSER", "gone"), "1")
        for client in clients:
            check(is_closed(client), "his connection is closed")
        expect(admin.call("RPUSH", "queue", "x"), "1")
        expect(admin.call("LLEN", "queue"), "1")
        cluster.check_equal_digests()


def test_users_survive_the_leader_and_restarts(context):
    with visitors(context, 3) as (cluster, enter):
        leader, followers = cluster.leader(), cluster.followers()
        admin = enter(followers[0])
        expect(admin.call("ACL", "SETUSER", "x", "on", ">p", "+get", "+set", "~*"), "OK")
        stays = enter(followers[1], "x", "p")
        leader.kill()
        expect(stays.call("SET", "k", "1"), "OK")
        expect(admin.call("ACL", "SETUSER", "x", "-set"), "OK")
        check(stays.call("SET", "k", "2").text.startswith("NOPERM"), "what was taken is refused")
        expect(admin.call("ACL", "SETUSER", "y", "on", ">q", "+@all", "~*"), "OK")
        leader.start()
        back = None

        def knows_y():
            nonlocal back
            back = enter(leader, "y", "q")
            return hasattr(back, "call")

        wait_until(knows_y, "the old leader knows who came while it was away")
        expect(back.call("GET", "k"), "1")
        check(enter(leader, "x", "p").call("SET", "k", "3").text.startswith("NOPERM"), "and what was taken")
        cluster.check_equal_digests()


def test_users_of_the_first_nodes_file_become_the_clusters(context):
    directives = ("--user", "root on >secret ~* &* +@all", "--user", "low on >low ~low:* +@read")
    with visitors(context, 1, *directives) as (cluster, enter):
        node = cluster.nodes[0]
        root = enter(node, "root", "secret")
        expect(root.call("SET", "low:k", "1"), "OK")
        low = enter(node, "low", "low")
        expect(low.call("GET", "low:k"), "1")
        check(low.call("SET", "low:k", "2").text.startswith("NOPERM"), "low only reads")
        expect(root.call("ACL", "SETUSER", "low", "+set"), "OK")
        node.terminate()
        node.start()
        cluster.wait_ready()
        expect(enter(node, "low", "low").call("SET", "low:k", "2"), "OK")


def test_a_file_of_users_is_loaded_and_saved(context):
    path = pathlib.Path(context.directory) / "users.acl"
    path.write_text("user default on nopass ~* &* +@all\nuser a on >p ~a +get\n")
    with visitors(context, 1, "--aclfile", path) as (cluster, enter):
        node = cluster.nodes[0]
        client = enter(node)
        expect(enter(node, "a", "p").call("GET", "a"), "")
        expect(client.call("ACL", "SETUSER", "b", "on", ">q", "+@all"), "OK")
        expect(client.call("ACL", "SAVE"), "OK")
        saved = path.read_text()
        check(saved.startswith("user a on ") and "\nuser b on " in saved and ">q" not in saved, saved)
        listening = enter(node, "b", "q")
        path.write_text("user c on >r +@all ~*\n")
        expect(client.call("ACL", "LOAD"), "OK")
        check(is_closed(listening), "whoever is no user any more is closed")
        expect(client.call("PING"), "PONG")
        check([reply.text for reply in client.call("ACL", "USERS").items] == ["c", "default"], "the file's users alone")
        path.write_text("user c on >r +@all ~*\nuser d +nonsense\n")
        reply = client.call("ACL", "LOAD")
        check("users.acl:2: Unknown command" in reply.text and "no change" in reply.text, reply)
        check(len(client.call("ACL", "USERS").items) == 2, "nothing changed")
