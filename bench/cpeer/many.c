// What the roles with many sockets share: counters, one for each thread, and one
// thread that looks at all of them before and after the window.

#include "peer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void rest(int64_t ns)
{
    struct timespec t = {ns / 1000000000LL, ns % 1000000000LL};
    while (nanosleep(&t, &t)) {
    }
}

// done sums what all have done, and tells whether each of them is ready.
static int64_t done(struct counter *all, int threads, int *ready)
{
    int64_t sum = 0;
    *ready = 1;
    for (int i = 0; i < threads; i++) {
        sum += __atomic_load_n(&all[i].n, __ATOMIC_RELAXED);
        if (!__atomic_load_n(&all[i].ready, __ATOMIC_RELAXED))
            *ready = 0;
    }
    return sum;
}

void many(int threads, void *(*f)(void *))
{
    struct counter *all = aligned_alloc(sizeof *all, (size_t)threads * sizeof *all);
    int ready;
    for (int i = 0; i < threads; i++) {
        all[i] = (struct counter){0};
        spawn(f, &all[i]);
    }
    do {
        rest(1000000);
        done(all, threads, &ready);
    } while (!ready);
    rest(warmup_ns);
    say("{\"event\":\"start\"}\n");
    int64_t cpu0 = cpu(), n0 = done(all, threads, &ready), n1 = n0, t0 = now();
    while (n1 == n0) { // one window, unless it was too short for anything at all
        rest(window_ns);
        n1 = done(all, threads, &ready);
    }
    int64_t t1 = now(), cpu1 = cpu();
    say("{\"event\":\"end\",\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld}\n",
        (long long)(n1 - n0), (long long)(t1 - t0), (long long)(cpu1 - cpu0));
    for (;;) // the other side's figures are read while messages still flow
        pause();
}

void add(struct counter *c, int64_t n)
{
    __atomic_store_n(&c->n, c->n + n, __ATOMIC_RELAXED);
}

void set_ready(struct counter *c)
{
    __atomic_store_n(&c->ready, 1, __ATOMIC_RELAXED);
}

void serve(struct counter *c, void **sockets, int64_t (*take)(int i, int flags))
{
    zmq_pollitem_t *items = calloc((size_t)peers, sizeof *items);
    for (int i = 0; i < peers; i++)
        items[i] = (zmq_pollitem_t){.socket = sockets[i], .events = ZMQ_POLLIN};
    if (peers == 1)
        for (;;)
            add(c, take(0, 0));
    for (;;) {
        if (zmq_poll(items, peers, -1) < 0)
            die("zmq_poll");
        for (int i = 0; i < peers; i++) {
            if (!items[i].revents)
                continue;
            int64_t n = 0, got;
            while (n < AT_A_TIME && (got = take(i, ZMQ_DONTWAIT)) > 0)
                n += got;
            add(c, n);
        }
    }
}
