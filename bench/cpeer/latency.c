// There and back, one at a time: REQ and REP.

#include "peer.h"

#include <stdlib.h>
#include <string.h>

// Bounds the round trips of one run; it ends early when they are full.
enum { MAX_LATENCIES = 1 << 22 };

// rep sends each request back.
void *rep(void *s)
{
    char *buf = malloc(size);
    zmq_msg_t m;
    zmq_msg_init(&m);
    for (int64_t n = 1;; n++) {
        receive(s, &m, buf, buf);
        if (zmq_send(s, buf, size, 0) < 0)
            die("zmq_send");
        __atomic_store_n(&passed, n, __ATOMIC_RELAXED);
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

// percentile is the smallest value that permille thousandths of all do not exceed.
static long long percentile(const uint32_t *sorted, int64_t n, int64_t permille)
{
    return sorted[(n * permille + 999) / 1000 - 1];
}

// req times one round trip after another.
void req(void)
{
    void *s = open_socket(ZMQ_REQ, 0);
    char *out = calloc(1, size), *in = malloc(size);
    uint32_t *took = malloc(MAX_LATENCIES * sizeof *took);
    zmq_msg_t m;
    uint64_t seq = 0;
    int64_t n = 0;
    zmq_msg_init(&m);
    memset(took, 1, MAX_LATENCIES * sizeof *took); // touch the pages beforehand
#define ROUND_TRIP()                                         \
    memcpy(out, &seq, sizeof seq);                           \
    if (zmq_send(s, out, size, 0) < 0)                       \
        die("zmq_send");                                     \
    if (receive(s, &m, in, NULL) != seq++)                   \
        wrong("a reply to another request arrived");
    ROUND_TRIP();
    for (int64_t end = now() + warmup_ns; now() < end;) {
        ROUND_TRIP();
    }
    say("{\"event\":\"start\"}\n");
    int64_t cpu0 = cpu(), t0 = now(), t = t0;
    while (t - t0 < window_ns && n < MAX_LATENCIES) {
        ROUND_TRIP();
        int64_t u = now();
        took[n++] = u - t > UINT32_MAX ? UINT32_MAX : (uint32_t)(u - t);
        t = u;
    }
    int64_t cpu1 = cpu();
    qsort(took, n, sizeof *took, by_value);
    say("{\"event\":\"end\",\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld,"
        "\"p50_ns\":%lld,\"p99_ns\":%lld,\"p999_ns\":%lld}\n",
        (long long)n, (long long)(t - t0), (long long)(cpu1 - cpu0),
        percentile(took, n, 500), percentile(took, n, 990), percentile(took, n, 999));
    for (;;) {
        ROUND_TRIP();
    }
}
