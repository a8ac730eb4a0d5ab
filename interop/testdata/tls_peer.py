"""Carries octets between its standard streams and a connection of TLS by OpenSSL.

It is told what to do by a JSON object, its only argument:

    listen   true to wait for one connection at a free port of 127.0.0.1
    port     where to connect to, otherwise
    name     the name that the certificate of a server must be for
    ca       a file with the authority that must have signed the other's certificate
    cert     a file with our certificate, and
    key      one with its key; neither: none
    version  the only version of TLS to be spoken, "1.2" or "1.3"
    cut      true to close the connection without a word when there is no more input

What happens is told line by line on the standard error: "port N", "shaken VERSION",
"told" when the other has told that no more comes, "cut" when it ends without that,
"answered" when it has told so after we did, "failed REASON".
"""

import json
import os
import select
import socket
import ssl
import sys


def tell(*words):
    print(*words, file=sys.stderr, flush=True)


def context(o):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if o.get("listen") else ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(o["ca"])
    c.verify_mode = ssl.CERT_REQUIRED
    if o.get("cert"):
        c.load_cert_chain(o["cert"], o["key"])
    version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[o["version"]]
    c.minimum_version = c.maximum_version = version
    return c


def open_connection(o):
    c = context(o)
    if o.get("listen"):
        listener = socket.create_server(("127.0.0.1", 0))
        tell("port", listener.getsockname()[1])
        plain, _ = listener.accept()
        listener.close()
    else:
        plain = socket.create_connection(("127.0.0.1", o["port"]))
    return c.wrap_socket(
        plain, server_side=bool(o.get("listen")), server_hostname=None if o.get("listen") else o["name"],
        suppress_ragged_eofs=False)


def write(conn, data):
    while data:
        try:
            data = data[conn.send(data):]
        except ssl.SSLWantWriteError:
            select.select([], [conn], [])


def carry(conn):
    """Returns True when there is no more input, and False when the other has ended."""
    conn.setblocking(False)
    while True:
        ready, _, _ = select.select([conn, 0], [], [])
        if conn in ready:
            while True:
                try:
                    data = conn.recv(65536)
                except ssl.SSLWantReadError:
                    break
                if not data:
                    tell("told")
                    return False
                os.write(1, data)
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return True
            write(conn, data)


def main():
    o = json.loads(sys.argv[1])
    try:
        conn = open_connection(o)
        tell("shaken", conn.version())
        if not carry(conn):
            os.close(1)
            conn.setblocking(True)
            conn.unwrap()
        elif not o.get("cut"):
            conn.setblocking(True)
            conn.unwrap()
            tell("answered")
        conn.close()
    except ssl.SSLEOFError:
        tell("cut")
    except (ssl.SSLError, OSError) as e:
        tell("failed", e)


main()
