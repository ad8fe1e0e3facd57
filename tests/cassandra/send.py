"""Sends statements to Cassandra, each as it is and one after the other.

Reads {"port": 9042, "schema": [...], "statements": [{"text": "...", "prepared":
false}, ...]} and writes {"accepted": [true, ...]}, one for each statement; one
that is prepared is not executed. Those of the schema must all be accepted.
"""

import json
import sys

from cassandra import ProtocolVersion
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import (
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    NoHostAvailable,
)
from cassandra.policies import FallthroughRetryPolicy
from cassandra.protocol import ResultMessage, _ProtocolHandler


class Unread(ResultMessage):
    """Rows are of no interest, and some the driver cannot read: lists with a null."""

    def recv_results_rows(self, *_):
        self.column_names = []
        self.column_types = []
        self.parsed_rows = []


class Handler(_ProtocolHandler):
    message_types_by_opcode = {
        **_ProtocolHandler.message_types_by_opcode,
        ResultMessage.opcode: Unread,
    }


def main():
    work = json.load(sys.stdin)
    session = connect(work["port"])
    session.client_protocol_handler = Handler
    for statement in work["schema"]:
        session.execute(statement)
    accepted = [accepts(session, **statement) for statement in work["statements"]]
    json.dump({"accepted": accepted}, sys.stdout)


def connect(port):
    profile = ExecutionProfile(
        retry_policy=FallthroughRetryPolicy(), request_timeout=120
    )
    # Its superuser is there a little later than its port.
    for attempt in range(100):
        cluster = Cluster(
            ["127.0.0.1"],
            port=port,
            protocol_version=ProtocolVersion.V4,
            auth_provider=PlainTextAuthProvider("cassandra", "cassandra"),
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            schema_metadata_enabled=False,
            token_metadata_enabled=False,
            connect_timeout=30,
        )
        try:
            return cluster.connect()
        except NoHostAvailable:
            cluster.shutdown()
            if attempt == 99:
                raise


def accepts(session, text, prepared):
    try:
        if prepared:
            session.prepare(text)
        else:
            session.execute(text)
        return True
    except NoHostAvailable:
        raise
    except Exception as error:
        print(type(error).__name__, error, file=sys.stderr)
        return False


main()
