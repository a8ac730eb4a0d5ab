"""A client of Clone over libzmq: clone.py SNAPSHOTS UPDATES COLLECTOR.

It sets two values, hears of them, and takes a snapshot.
"""

import sys
import uuid

import zmq

snapshots, updates, collector = sys.argv[1:]
context = zmq.Context()


def socket(kind, endpoint):
    s = context.socket(kind)
    s.setsockopt(zmq.LINGER, 1000)
    s.setsockopt(zmq.RCVTIMEO, 30_000)
    s.connect(endpoint)
    return s


publisher = socket(zmq.XPUB, collector)
assert publisher.recv() == b"\x01"  # the server listens

subscriber = socket(zmq.SUB, updates)
subscriber.setsockopt(zmq.SUBSCRIBE, b"")
assert subscriber.recv_multipart() == [b"HUGZ", bytes(8), b"", b"", b""]

wanted = [(b"/fruit/apple", b"green"), (b"/tool/hammer", b"heavy")]
ids = [uuid.uuid4().bytes for _ in wanted]
for (key, value), identity in zip(wanted, ids):
    publisher.send_multipart([key, bytes(8), identity, b"", value])
heard = []
while len(heard) < len(wanted):
    frames = subscriber.recv_multipart()
    if frames[0] != b"HUGZ":
        heard.append(frames)
for number, ((key, value), identity, frames) in enumerate(zip(wanted, ids, heard), 1):
    assert frames == [key, number.to_bytes(8, "big"), identity, b"", value], frames

dealer = socket(zmq.DEALER, snapshots)
dealer.send_multipart([b"ICANHAZ?", b"/fruit/"])
while True:
    key, number, _, _, value = dealer.recv_multipart()
    print(key.decode(), int.from_bytes(number, "big"), value.decode())
    if key == b"KTHXBAI":
        break
