"""What the scripts of the Python clients share: operations in, results out.

An operation is [method, arguments, keyword arguments]. Bytes are written
{"bytes": "6869"}, here and in the results. A result is {"value": ...} or
{"error": "MemcacheClientError", "message": "..."}.
"""

import json
import sys


def run_all(client, **more):
    results = [run(client, *operation) for operation in json.load(sys.stdin)]
    json.dump({"results": results, **more}, sys.stdout)


def run(client, method, args, kwargs):
    try:
        call = getattr(client, method)
        value = call(*map(decoded, args), **{k: decoded(v) for k, v in kwargs.items()})
        return {"value": encoded(value)}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


def decoded(value):
    if isinstance(value, dict) and set(value) == {"bytes"}:
        return bytes.fromhex(value["bytes"])
    if isinstance(value, dict):
        return {key: decoded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [decoded(inner) for inner in value]
    return value


def encoded(value):
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {text(key): encoded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(inner) for inner in value]
    return value


def text(key):
    return key.decode("latin-1") if isinstance(key, bytes) else key
