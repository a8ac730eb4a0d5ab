"""A libzmq peer that does what it is told, one line at a time.

Each line of standard input is a command, each is answered by one line: "ok" and
what it yields, or "error" and libzmq's name of the error. Words are separated by
one blank. Frames are hexadecimal, an empty frame is "-". Times are milliseconds.
End of input ends the process at once. JeromqPeer.java understands the same.

    socket NAME TYPE
    set NAME OPTION int:N|hex:H      any option by libzmq's name without ZMQ_, or
                                     (not for JeroMQ) its number
    bind NAME ENDPOINT               yields the endpoint that was really bound
    connect|unbind|disconnect NAME ENDPOINT
    send NAME TIMEOUT FRAME...
    recv NAME TIMEOUT                yields the frames
    monitor NAME                     records events from now on
    event NAME EVENT TIMEOUT         waits for it; yields its value and endpoint
    told NAME EVENT TIMEOUT          the same; yields EVENT|VALUE|ENDPOINT of all up to it
    shut NAME LINGER                 closes the socket, and its events can still be read
    close NAME LINGER
    zap USER PASSWORD KEY            answers questions of ZAP, from now on: with the domain
                                     if that is a status, otherwise whether these are the
                                     credentials. The password and the key are frames
"""

import os
import sys
import threading
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

context = zmq.Context()
sockets = {}
monitors = {}


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def tohex(frame):
    return frame.hex() if frame else "-"


def value(word):
    kind, _, text = word.partition(":")
    return int(text) if kind == "int" else bytes.fromhex(text)


def wait(socket, flags, timeout):
    if not socket.poll(int(timeout), flags):
        raise zmq.Again()


def socket(name, kind):
    s = context.socket(getattr(zmq, kind))
    s.setsockopt(zmq.LINGER, 0)
    sockets[name] = s


def set_option(name, option, word):
    number = int(option) if option.isdigit() else getattr(zmq, option)
    sockets[name].setsockopt(number, value(word))


def bind(name, endpoint):
    sockets[name].bind(endpoint)
    return [sockets[name].getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()]


def connect(name, endpoint):
    sockets[name].connect(endpoint)


def unbind(name, endpoint):
    sockets[name].unbind(endpoint)


def disconnect(name, endpoint):
    sockets[name].disconnect(endpoint)


def send(name, timeout, *frames):
    wait(sockets[name], zmq.POLLOUT, timeout)
    sockets[name].send_multipart([unhex(f) for f in frames], zmq.DONTWAIT)


def recv(name, timeout):
    wait(sockets[name], zmq.POLLIN, timeout)
    return [tohex(f) for f in sockets[name].recv_multipart(zmq.DONTWAIT)]


def monitor(name):
    address = f"inproc://monitor-of-{name}"  # pyzmq's own name may still be in use
    sockets[name].monitor(address, zmq.EVENT_ALL)
    monitors[name] = context.socket(zmq.PAIR)
    monitors[name].connect(address)


def event(name, kind, timeout):
    while True:
        wait(monitors[name], zmq.POLLIN, timeout)
        got = recv_monitor_message(monitors[name], zmq.DONTWAIT)
        if got["event"] == getattr(zmq, "EVENT_" + kind):
            return [str(got["value"]), got["endpoint"].decode() or "-"]


event_names = {
    getattr(zmq, n): n[len("EVENT_"):] for n in dir(zmq) if n.startswith("EVENT_") and n != "EVENT_ALL"
}


def told(name, kind, timeout):
    seen = []
    until = time.monotonic() + int(timeout) / 1000
    while time.monotonic() < until:
        if name in sockets:  # some things go on only inside a call
            sockets[name].getsockopt(zmq.EVENTS)
        if not monitors[name].poll(10):
            continue
        got = recv_monitor_message(monitors[name], zmq.DONTWAIT)
        what = event_names[got["event"]]
        seen.append(f"{what}|{got['value']}|{got['endpoint'].decode()}")
        if what == kind:
            return seen
    raise TimeoutError(f"only {seen}")


def shut(name, linger):
    sockets.pop(name).close(int(linger))


def close(name, linger):
    if name in monitors:  # the reader goes last, or the last event blocks
        if name in sockets:
            sockets[name].disable_monitor()
        monitors.pop(name).close(0)
    if name in sockets:
        sockets.pop(name).close(int(linger))


def zap(user, password, key):
    handler = context.socket(zmq.REP)
    handler.bind("inproc://zeromq.zap.01")

    def judge():
        while True:
            version, number, domain, address, own, mechanism, *credentials = handler.recv_multipart()
            good = credentials in ([user.encode(), unhex(password)], [unhex(key)])
            status = domain if len(domain) == 3 else b"200" if good else b"400"
            handler.send_multipart([version, number, status, b"", user.encode(), b""])

    threading.Thread(target=judge, daemon=True).start()


commands = {
    "socket": socket,
    "set": set_option,
    "bind": bind,
    "connect": connect,
    "unbind": unbind,
    "disconnect": disconnect,
    "send": send,
    "recv": recv,
    "monitor": monitor,
    "event": event,
    "told": told,
    "shut": shut,
    "close": close,
    "zap": zap,
}


def answer(words):
    try:
        return ["ok", *(commands[words[0]](*words[1:]) or [])]
    except zmq.ZMQError as e:
        try:
            return ["error", zmq.Errno(e.errno).name]
        except ValueError:
            return ["error", str(e)]
    except Exception as e:  # a mistake in the test, which shall see it
        return ["error", type(e).__name__, str(e).replace("\n", " ")]


print("ok", "libzmq", zmq.zmq_version(), "pyzmq", zmq.__version__, flush=True)
for line in sys.stdin:
    print(*answer(line.rstrip("\n").split(" ")), flush=True)
os._exit(0)
