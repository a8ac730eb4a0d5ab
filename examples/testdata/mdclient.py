"""A Majordomo client over libzmq: mdclient.py BROKER.

It asks for a hundred echoes and for two services, then prints what it was told.
"""

import sys

import zmq

req = zmq.Context().socket(zmq.REQ)
req.setsockopt(zmq.LINGER, 0)
req.setsockopt(zmq.RCVTIMEO, 30_000)
req.connect(sys.argv[1])


def ask(service, *body):
    req.send_multipart([b"MDPC01", service, *body])
    who, answering, *reply = req.recv_multipart()
    assert who == b"MDPC01" and answering == service, (who, answering)
    return reply


for i in range(100):
    body = [b"%d" % i, b"", b"x" * i]
    assert ask(b"echo", *body) == body
for service in b"mmi.service", b"mmi.other":
    for name in b"echo", b"coffee":
        print(service.decode(), name.decode(), ask(service, name)[0].decode())
