"""A Paranoid Pirate worker over libzmq: ppworker.py QUEUE BEAT_MS.

It answers until standard input ends.
"""

import sys
import time

import zmq

READY, HEARTBEAT = b"\x01", b"\x02"

dealer = zmq.Context().socket(zmq.DEALER)
dealer.setsockopt(zmq.LINGER, 0)
dealer.connect(sys.argv[1])
dealer.send(READY)
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
        frames = dealer.recv_multipart()
        if len(frames) > 1:
            frames[-1] = b"Python did " + frames[-1]
            dealer.send_multipart(frames)
    if time.monotonic() >= next_beat:
        dealer.send(HEARTBEAT)
        next_beat = time.monotonic() + beat / 1000
dealer.close()
