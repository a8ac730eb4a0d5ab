// Many clients of one server: a ROUTER that sends every message back, DEALERs
// that each keep some messages on the way, and visitors that come, ask once and go.

#include "peer.h"

#include <errno.h>
#include <stdlib.h>

// router sends every message back to whom it came from.
void router(void *s)
{
    zmq_msg_t id, body;
    zmq_msg_init(&id);
    zmq_msg_init(&body);
    for (int64_t n = 1;; n++) {
        if (zmq_msg_recv(&id, s, 0) < 0)
            die("zmq_msg_recv");
        if (!zmq_msg_more(&id))
            wrong("a message without a routing id arrived");
        if (zmq_msg_recv(&body, s, 0) < 0)
            die("zmq_msg_recv");
        if (zmq_msg_more(&body) || zmq_msg_size(&body) != size)
            wrong("a message of the wrong size arrived");
        if (zmq_msg_send(&id, s, ZMQ_SNDMORE) < 0 || zmq_msg_send(&body, s, 0) < 0)
            die("zmq_msg_send");
        __atomic_store_n(&passed, n, __ATOMIC_RELAXED);
    }
}

static void ask(void *s, char *buf, uint64_t seq)
{
    memcpy(buf, &seq, sizeof seq);
    if (zmq_send(s, buf, size, 0) < 0)
        die("zmq_send");
}

// client is what one DEALER socket has asked and heard.
struct client {
    zmq_msg_t m;
    uint64_t sent, next;
};

static void **sockets;
static struct client *all;
static char *request;
static struct counter *counted;
static int unready;

// take_reply receives one reply of a client and asks again.
static int64_t take_reply(int i, int flags)
{
    struct client *c = &all[i];
    uint64_t seq;
    if (zmq_msg_recv(&c->m, sockets[i], flags) < 0) {
        if (errno == EAGAIN)
            return 0;
        die("zmq_msg_recv");
    }
    if (zmq_msg_size(&c->m) != size)
        wrong("a message of the wrong size arrived");
    memcpy(&seq, zmq_msg_data(&c->m), sizeof seq);
    if (seq != c->next++)
        wrong("a reply was lost or came out of order");
    if (seq == 0 && --unready == 0)
        set_ready(counted);
    ask(sockets[i], request, c->sent++);
    return 1;
}

static void *keep_asking(void *arg)
{
    counted = arg;
    unready = peers;
    sockets = calloc((size_t)peers, sizeof *sockets);
    all = calloc((size_t)peers, sizeof *all);
    request = calloc(1, size);
    for (int i = 0; i < peers; i++) {
        zmq_msg_init(&all[i].m);
        sockets[i] = open_socket(ZMQ_DEALER, 0);
        while (all[i].sent < (uint64_t)depth)
            ask(sockets[i], request, all[i].sent++);
    }
    serve(counted, sockets, take_reply);
    return NULL;
}

void dealers(void) { many(1, keep_asking); }

// visit comes, asks once and goes, again and again.
static void *visit(void *arg)
{
    int nothing = 0;
    char *out = calloc(1, size), *in = malloc(size);
    zmq_msg_t m;
    zmq_msg_init(&m);
    for (uint64_t seq = 0;; seq++) {
        void *s = open_socket(ZMQ_DEALER, 0);
        if (zmq_setsockopt(s, ZMQ_LINGER, &nothing, sizeof nothing))
            die("zmq_setsockopt");
        ask(s, out, seq);
        if (receive(s, &m, in, NULL) != seq)
            wrong("a reply to another request arrived");
        if (zmq_close(s))
            die("zmq_close");
        add(arg, 1);
        set_ready(arg);
    }
    return NULL;
}

void visitors(void) { many(peers, visit); }
