"""Runs operations on a pymemcache HashClient and prints what came of each.

    pymemcache_hash_operations.py HOST:PORT < operations.json

It hangs up after any error.
"""

import sys

from operations import run_all
from pymemcache.client.hash import HashClient

host, port = sys.argv[1].split(":")
run_all(HashClient([(host, int(port))], timeout=20, default_noreply=False))
