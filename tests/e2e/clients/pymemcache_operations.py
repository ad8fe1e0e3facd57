"""Runs operations on one pymemcache connection and prints what came of each.

    pymemcache_operations.py HOST:PORT [SOURCE_ADDRESS] < operations.json

Besides the results (see operations.py), `connections` counts the connections
that were made.
"""

import json
import socket
import sys

from operations import run
from pymemcache.client.base import Client


def main():
    host, port = sys.argv[1].split(":")
    source = sys.argv[2] if len(sys.argv) > 2 else None
    sockets = Sockets(source)
    client = Patient(
        (host, int(port)),
        socket_module=sockets,
        timeout=20,
        default_noreply=False,
        allow_unicode_keys=False,
    )
    results = [run(client, *operation) for operation in json.load(sys.stdin)]
    client.hang_up()
    json.dump({"results": results, "connections": sockets.made}, sys.stdout)


class Patient(Client):
    """pymemcache hangs up after any error; here it must be seen that nobody else does."""

    def close(self):
        pass

    def hang_up(self):
        super().close()


class Sockets:
    """The socket module, but for where a connection comes from."""

    def __init__(self, source):
        self._source = source
        self.made = 0

    def __getattr__(self, name):
        return getattr(socket, name)

    def socket(self, *args):
        made = socket.socket(*args)
        self.made += 1
        if self._source:
            made.bind((self._source, 0))
        return made


if __name__ == "__main__":
    main()
