"""Runs operations on one pylibmc connection and prints what came of each.

    pylibmc_operations.py HOST:PORT ascii|binary < operations.json
"""

import sys

import pylibmc
from operations import run_all

run_all(
    pylibmc.Client(
        [sys.argv[1]],
        binary=sys.argv[2] == "binary",
        behaviors={"cas": True, "tcp_nodelay": True},
    )
)
