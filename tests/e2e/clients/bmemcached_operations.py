"""Runs operations on one connection of python-binary-memcached and prints what
came of each.

    bmemcached_operations.py HOST:PORT < operations.json
"""

import sys

import bmemcached
from operations import run_all

run_all(bmemcached.Client([sys.argv[1]], socket_timeout=20))
