"""Python's cassandra-driver, used as README.md says."""

import hashlib
import json
import sys
import time
from collections import Counter

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import (
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
)
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import (
    ConstantReconnectionPolicy,
    FallthroughRetryPolicy,
    RoundRobinPolicy,
)
from cassandra.query import BatchStatement, SimpleStatement, tuple_factory

BLOB = bytes(range(256)) * 4096
LITERAL = BLOB[:100_000]  # the whole text is read before it may pass


def connect(port, version, compression):
    profile = ExecutionProfile(
        load_balancing_policy=RoundRobinPolicy(),
        retry_policy=FallthroughRetryPolicy(),
        row_factory=tuple_factory,
        request_timeout=60,
    )
    return Cluster(
        ["127.0.0.1"],
        port=port,
        protocol_version=version,
        compression=compression or False,
        auth_provider=PlainTextAuthProvider("cassandra", "cassandra"),
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        reconnection_policy=ConstantReconnectionPolicy(0.2, None),
        connect_timeout=60,
    )


def statements():
    return sys.stdin.read().splitlines()


def execute(session, _):
    for text in statements():
        session.execute(text)
    return {}


def results(session, rows):
    session.execute("TRUNCATE shop.orders")
    session.set_keyspace("shop")
    insert = session.prepare("INSERT INTO orders (id, n, v, b) VALUES (?, ?, ?, ?)")
    select = session.prepare("SELECT n, v FROM orders WHERE id = ?")
    select.fetch_size = 1000

    session.execute(insert, (1, 0, None, BLOB))
    session.execute(
        "INSERT INTO orders (id, n, b) VALUES (1, 1, 0x%s)" % LITERAL.hex()
    )
    blobs = [
        hashlib.sha256(row[0]).hexdigest()
        for row in session.execute("SELECT b FROM shop.orders WHERE id = 1")
    ]

    values = [(2, n, "v%d" % n, None) for n in range(rows)]
    execute_concurrent_with_args(session, insert, values, concurrency=500)
    lines = ["%d %s\n" % row for row in session.execute(select, (2,))]

    batch = BatchStatement()
    for n in range(10):
        batch.add(insert, (3, n, "batch", None))
    batch.add("UPDATE shop.orders SET v = %s WHERE id = 3 AND n = 99", ("text",))
    session.execute(batch)
    session.execute(
        "BEGIN BATCH INSERT INTO orders (id, n) VALUES (3, 100);"
        " DELETE FROM shop.orders WHERE id = 3 AND n = 0 APPLY BATCH"
    )
    batches = [list(row) for row in session.execute(select, (3,))]

    traced = SimpleStatement("SELECT n FROM orders WHERE id = 3")
    trace = session.execute(traced, trace=True).get_query_trace(60)
    tables = session.cluster.metadata.keyspaces["shop"].tables
    return {
        "blobs": blobs,
        "pages": [len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()],
        "batches": batches,
        "traced": len(trace.events) > 0,
        "schema": sorted(tables["orders"].columns),
    }


def refusals(session, _):
    seen = Counter()

    def refused(act, *args):
        try:
            act(*args)
            seen["nothing"] += 1
        except Exception as error:
            seen[type(error).__name__] += 1

    for text in statements():
        refused(session.execute, text)
        refused(session.prepare, text)
    insert = session.prepare("INSERT INTO shop.orders (id, n) VALUES (?, ?)")
    batch = BatchStatement()
    batch.add(insert, (1, 1))
    batch.add("INSERT INTO shop.secret (id) VALUES (1)")
    refused(session.execute, batch)
    for n in range(100):
        session.execute(insert, (9, n))
    hosts = session.cluster.metadata.all_hosts()
    return {"refusals": seen, "up": all(host.is_up for host in hosts)}


def reconnect(session, _):
    insert = session.prepare("INSERT INTO shop.orders (id, n) VALUES (?, ?)")
    session.execute(insert, (7, 0))
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + 60
    done = 0
    while done < 100 and time.monotonic() < end:
        try:
            session.execute(insert, (7, done))
            done += 1
        except Exception:
            time.sleep(0.1)
    return {"back": done == 100}


port, version, compression, task, rows = sys.argv[1:]
TASKS = {
    "execute": execute,
    "results": results,
    "refusals": refusals,
    "reconnect": reconnect,
}
with connect(int(port), int(version), compression) as cluster:
    with cluster.connect() as session:
        print(json.dumps(TASKS[task](session, int(rows))))
