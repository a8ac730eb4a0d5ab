"""A Majordomo worker over libzmq: mdworker.py BROKER BEAT_MS.

It offers the service echo until standard input ends.
"""

import sys
import time

import zmq

WORKER = b"MDPW01"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = (bytes([n]) for n in range(1, 6))

dealer = zmq.Context().socket(zmq.DEALER)
dealer.connect(sys.argv[1])
dealer.send_multipart([b"", WORKER, READY, b"echo"])
beat = int(sys.argv[2])
next_beat = time.monotonic() + beat / 1000

poller = zmq.Poller()
poller.register(dealer, zmq.POLLIN)
poller.register(sys.stdin, zmq.POLLIN)
while True:
    ready = dict(poller.poll(beat))
    if sys.stdin.fileno() in ready:
        break
    if dealer in ready:
        empty, who, command, *rest = dealer.recv_multipart()
        assert empty == b"" and who == WORKER
        assert command in (REQUEST, HEARTBEAT), command
        if command == REQUEST:
            client, delimiter, *body = rest
            assert delimiter == b""
            dealer.send_multipart([b"", WORKER, REPLY, client, b"", *body])
    if time.monotonic() >= next_beat:
        dealer.send_multipart([b"", WORKER, HEARTBEAT])
        next_beat = time.monotonic() + beat / 1000
dealer.send_multipart([b"", WORKER, DISCONNECT])
dealer.close(linger=1000)
