// Subscriptions: one SUB that subscribes to many topics, and an XPUB that is told of
// each.

#include "peer.h"

#include <unistd.h>

// The topic that ends a list of subscriptions: a message of it shows that the
// publisher knows of all before it.
#define SETTLED "settled"
enum { LENGTH = sizeof SETTLED - 1 };

// registrar publishes to nobody but who has subscribed to SETTLED.
void registrar(void)
{
    void *s = open_socket(ZMQ_XPUB, 1);
    char b[64];
    for (int64_t told = 1;; told++) {
        int n = zmq_recv(s, b, sizeof b, 0);
        if (n < 0)
            die("zmq_recv");
        if (n == LENGTH + 1 && b[0] == 1 && !memcmp(b + 1, SETTLED, LENGTH) && zmq_send(s, SETTLED, LENGTH, 0) < 0)
            die("zmq_send");
        if (told % 1000 == 0)
            __atomic_store_n(&passed, told, __ATOMIC_RELAXED);
    }
}

static void option_of(void *s, int option, const char *topic, size_t n)
{
    if (zmq_setsockopt(s, option, topic, n))
        die("zmq_setsockopt");
}

// settle waits until the publisher knows of all subscriptions so far.
static void settle(void *s)
{
    char b[64];
    option_of(s, ZMQ_SUBSCRIBE, SETTLED, LENGTH);
    if (zmq_recv(s, b, sizeof b, 0) < 0)
        die("zmq_recv");
    option_of(s, ZMQ_UNSUBSCRIBE, SETTLED, LENGTH);
}

static void each_topic(void *s, int option)
{
    char topic[TOPIC];
    uint32_t n = 0;
    for (int i = 0; i < topics; i++) {
        write_topic(topic, n);
        option_of(s, option, topic, sizeof topic);
        n = (n + STEP) % (uint32_t)topics;
    }
    settle(s);
}

static void play(int hold)
{
    int unlimited = 0;
    void *s = zmq_socket(ctx, ZMQ_SUB);
    // Subscriptions are messages: those beyond the mark would be lost.
    if (!s || zmq_setsockopt(s, ZMQ_SNDHWM, &unlimited, sizeof unlimited))
        die("zmq_setsockopt");
    attach(s, 0);
    settle(s); // the connection is up
    if (!hold)
        say("{\"event\":\"start\"}\n");
    int64_t cpu0 = cpu(), t0 = now();
    each_topic(s, ZMQ_SUBSCRIBE);
    if (hold) {
        say("{\"event\":\"start\"}\n");
        for (;;)
            pause();
    }
    each_topic(s, ZMQ_UNSUBSCRIBE);
    int64_t t1 = now(), cpu1 = cpu();
    say("{\"event\":\"end\",\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld}\n",
        2LL * topics, (long long)(t1 - t0), (long long)(cpu1 - cpu0));
    for (;;)
        pause();
}

// subscribing subscribes to all topics and unsubscribes again; holding stays.
void subscribing(void) { play(0); }
void holding(void) { play(1); }
