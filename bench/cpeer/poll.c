// There and back, and the replier waits in zmq_poll over many sockets, of which all
// but the last are idle.

#include "peer.h"

#include <stdlib.h>

void *poll_rep(void *s)
{
    zmq_pollitem_t *items = calloc((size_t)peers, sizeof *items);
    char *buf = malloc(size);
    zmq_msg_t m;
    zmq_msg_init(&m);
    for (int i = 0; i < peers; i++) {
        void *socket = i == peers - 1 ? s : zmq_socket(ctx, ZMQ_REP);
        if (!socket)
            die("zmq_socket");
        items[i] = (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
    }
    for (int64_t n = 1;; n++) {
        if (zmq_poll(items, peers, -1) < 0)
            die("zmq_poll");
        for (int i = 0; i < peers; i++) {
            if (!items[i].revents)
                continue;
            if (items[i].socket != s)
                wrong("a socket that nobody writes to is ready");
            receive(s, &m, buf, buf);
            if (zmq_send(s, buf, size, 0) < 0)
                die("zmq_send");
        }
        __atomic_store_n(&passed, n, __ATOMIC_RELAXED);
    }
    return NULL;
}
