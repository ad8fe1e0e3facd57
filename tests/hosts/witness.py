"""Both ends of the connections that the rules are tried with.

listen ADDRESS PORT [transparent|udp]   prints "listening", then a JSON line for each connection or datagram
dial ADDRESS PORT [udp|udp-ask]         prints one JSON line: what came, or why nothing did
talk ADDRESS PORT TEXT                  as dial, and sends the text first
relay ADDRESS PORT                      takes connections by TPROXY and goes on to where they were going,
                                        with the client's address
"""

import errno
import json
import socket
import sys
import threading

SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h
SOL_IPV6 = 41
IP_TRANSPARENT = 19
IPV6_TRANSPARENT = 75
SECONDS = 60
NO_ANSWER_SECONDS = 10  # of a datagram, which may be dropped


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def show(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def original(connection):
    """Where it was going before NAT, or nothing."""
    try:
        if connection.family == socket.AF_INET:
            data = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
            return show((socket.inet_ntoa(data[4:8]), int.from_bytes(data[2:4], "big")))
        data = connection.getsockopt(SOL_IPV6, SO_ORIGINAL_DST, 28)
        host = socket.inet_ntop(socket.AF_INET6, data[8:24])
        return show((host, int.from_bytes(data[2:4], "big")))
    except OSError:
        return None


def transparent(sock):
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    else:
        sock.setsockopt(SOL_IPV6, IPV6_TRANSPARENT, 1)


def tell(**what):
    print(json.dumps(what), flush=True)


def bound(address, port, kind, is_transparent=False):
    sock = socket.socket(family_of(address), kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(SOL_IPV6, socket.IPV6_V6ONLY, 1)
    if is_transparent:
        transparent(sock)
    sock.bind((address, port))
    return sock


def listen(address, port, how=""):
    if how == "udp":
        sock = bound(address, port, socket.SOCK_DGRAM)
        print("listening", flush=True)
        while True:
            data, peer = sock.recvfrom(1000)
            tell(peer=show(peer), text=data.decode())
            sock.sendto(b"witness", peer)
    sock = bound(address, port, socket.SOCK_STREAM, how == "transparent")
    sock.listen()
    print("listening", flush=True)
    while True:
        connection, peer = sock.accept()
        tell(peer=show(peer), local=show(connection.getsockname()), original=original(connection))
        connection.sendall(f"witness {port}".encode())
        connection.close()


def talk(address, port, text):
    dial(address, port, say=text)


def dial(address, port, how="", say=None):
    kind = socket.SOCK_DGRAM if how else socket.SOCK_STREAM
    sock = socket.socket(family_of(address), kind)
    sock.settimeout(NO_ANSWER_SECONDS if how else SECONDS)
    try:
        sock.connect((address, port))
        if how == "udp":
            sock.send(b"hello")
            tell(**{"from": show(sock.getsockname())})
            return
        if how == "udp-ask":
            sock.send(b"hello")
            tell(**{"from": show(sock.getsockname()), "text": sock.recv(1000).decode()})
            return
        if say is not None:
            sock.sendall(say.encode())
            sock.shutdown(socket.SHUT_WR)
        text = b""
        while data := sock.recv(1000):
            text += data
        tell(**{"from": show(sock.getsockname()), "text": text.decode()})
    except OSError as error:
        tell(error=errno.errorcode.get(error.errno, type(error).__name__))


def relay(address, port):
    sock = bound(address, port, socket.SOCK_STREAM, True)
    sock.listen()
    print("listening", flush=True)
    while True:
        connection, peer = sock.accept()
        onward = socket.socket(sock.family, socket.SOCK_STREAM)
        onward.settimeout(SECONDS)
        transparent(onward)
        onward.bind((peer[0], 0))
        onward.connect(connection.getsockname()[:2])
        tell(peer=show(peer), local=show(connection.getsockname()))
        for source, target in ((connection, onward), (onward, connection)):
            threading.Thread(target=copy, args=(source, target), daemon=True).start()


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


name, host, number, *rest = sys.argv[1:]
{"listen": listen, "dial": dial, "talk": talk, "relay": relay}[name](host, int(number), *rest)
