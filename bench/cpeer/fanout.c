// One to many: PUB and SUB. A message begins with its topic and ends with its
// sequence number. The topics come by turns, in an order that is as good as
// random and in which each comes once before the first comes again.

#include "peer.h"

#include <errno.h>
#include <stdlib.h>

void write_topic(char *b, uint32_t topic)
{
    memcpy(b, "topic/", 6);
    for (int i = TOPIC - 1; i >= 6; i--) {
        b[i] = (char)('0' + topic % 10);
        topic /= 10;
    }
}

// publish sends numbered messages as fast as they are taken. It waits for who is
// slow, so that what is counted is what the library carries and not what it
// throws away.
void publish(int bind)
{
    int on = 1;
    char *buf = calloc(1, size);
    int64_t step = stride();
    uint32_t topic = 0;
    void *s = zmq_socket(ctx, ZMQ_PUB);
    if (size < TOPIC + sizeof(uint64_t))
        wrong("a message must hold its topic and its sequence number: at least 22 octets");
    if (!s || zmq_setsockopt(s, ZMQ_XPUB_NODROP, &on, sizeof on))
        die("zmq_setsockopt");
    attach(s, bind);
    for (uint64_t seq = 0;; seq++) {
        write_topic(buf, topic);
        memcpy(buf + size - sizeof seq, &seq, sizeof seq);
        if (zmq_send(s, buf, size, 0) < 0)
            die("zmq_send");
        topic = (topic + STEP) % (uint32_t)topics;
        if ((int64_t)(seq + 1) % step == 0)
            __atomic_store_n(&passed, (int64_t)(seq + 1) * peers, __ATOMIC_RELAXED);
    }
}

void pub(void) { publish(1); }

// subscriber is what one SUB socket has seen.
struct subscriber {
    zmq_msg_t m;
    uint64_t next; // the number that has to come now
    int64_t row;   // how many have come without a gap
};

static void **sockets;
static struct subscriber *all;
static struct counter *counted;
static int unready;

static void *subscribe_to_all(void)
{
    int unlimited = 0;
    char topic[TOPIC];
    void *s = zmq_socket(ctx, ZMQ_SUB);
    // Subscriptions are messages: those beyond the mark would be lost.
    if (!s || (topics > 1 && zmq_setsockopt(s, ZMQ_SNDHWM, &unlimited, sizeof unlimited)))
        die("zmq_setsockopt");
    for (int i = 0; i < topics; i++) {
        write_topic(topic, (uint32_t)i);
        if (zmq_setsockopt(s, ZMQ_SUBSCRIBE, topic, sizeof topic))
            die("zmq_setsockopt");
    }
    attach(s, 0);
    return s;
}

// take_delivery receives one message of a subscriber. As many messages in a row
// as there are topics show that the publisher knows of all of them; from there on
// none may be missing.
static int64_t take_delivery(int i, int flags)
{
    struct subscriber *b = &all[i];
    uint64_t seq;
    if (zmq_msg_recv(&b->m, sockets[i], flags) < 0) {
        if (errno == EAGAIN)
            return 0;
        die("zmq_msg_recv");
    }
    if (zmq_msg_size(&b->m) != size)
        wrong("a message of the wrong size arrived");
    memcpy(&seq, (char *)zmq_msg_data(&b->m) + size - sizeof seq, sizeof seq);
    if (b->row > topics) {
        if (seq != b->next)
            wrong("a message was lost or came out of order");
    } else {
        b->row = seq == b->next ? b->row + 1 : 1;
        if (b->row > topics && --unready == 0)
            set_ready(counted);
    }
    b->next = seq + 1;
    return 1;
}

static void *take_deliveries(void *arg)
{
    counted = arg;
    unready = peers;
    sockets = calloc((size_t)peers, sizeof *sockets);
    all = calloc((size_t)peers, sizeof *all);
    for (int i = 0; i < peers; i++) {
        zmq_msg_init(&all[i].m);
        sockets[i] = subscribe_to_all();
    }
    serve(counted, sockets, take_delivery);
    return NULL;
}

void subs(void) { many(1, take_deliveries); }
