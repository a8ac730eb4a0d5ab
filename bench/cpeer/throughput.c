// One way, as fast as it goes: PUSH and PULL.

#include "peer.h"

#include <stdlib.h>
#include <string.h>

// More than the two high-water marks: with them the queues are as full as they get.
enum { WARMUP_MESSAGES = 2500 };

// push sends numbered messages as fast as they are taken.
void *push(void *unused)
{
    void *s = open_socket(ZMQ_PUSH, 0);
    char *buf = calloc(1, size);
    int64_t step = stride();
    (void)unused;
    for (uint64_t seq = 0;; seq++) {
        memcpy(buf, &seq, sizeof seq);
        if (zmq_send(s, buf, size, 0) < 0)
            die("zmq_send");
        if ((int64_t)(seq + 1) % step == 0)
            __atomic_store_n(&passed, (int64_t)seq + 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

// pull receives for the warm-up, and until the queues on the way are full. It
// learns the rate from the same time again, and then measures as many messages
// as fill the window at that rate.
void pull(void *s)
{
    char *buf = malloc(size);
    zmq_msg_t m;
    uint64_t next = 0, first;
    int64_t step = stride(), begin, warm, t;
    zmq_msg_init(&m);
#define RECEIVE(n)                                           \
    for (int64_t i = 0; i < (n); i++)                        \
        if (receive(s, &m, buf, NULL) != next++)             \
            wrong("a message was lost or came out of order");
    RECEIVE(1);
    begin = now();
    do {
        RECEIVE(step);
        t = now();
    } while (t - begin < warmup_ns || next < WARMUP_MESSAGES);
    warm = t;
    first = next;
    do {
        RECEIVE(step);
        t = now();
    } while (t - warm < warmup_ns);
    int64_t count = (int64_t)((double)(next - first) * (double)window_ns / (double)(t - warm)) + 1;
    say("{\"event\":\"start\"}\n");
    int64_t cpu0 = cpu(), t0 = now();
    RECEIVE(count);
    int64_t t1 = now(), cpu1 = cpu();
    say("{\"event\":\"end\",\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld}\n",
        (long long)count, (long long)(t1 - t0), (long long)(cpu1 - cpu0));
    for (;;) // the sender's own figures are read while messages still flow
        RECEIVE(1);
}
