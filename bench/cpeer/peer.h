// The libzmq side of every comparison: what its files share. main.c tells how
// it is called. (Nothing here is compiled by the go command: the folder has no
// Go file, and the harness calls gcc.)

#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zmq.h>

// What the command line asked for.
extern const char *endpoint;
extern size_t size;                   // octets a message
extern int64_t warmup_ns, window_ns;  // before measuring, and measuring
extern int plain;                     // 1: zmq_msg_recv, 0: zmq_recv into one buffer

extern int peers, depth, topics;      // how many clients or sockets, messages on the way, subscriptions

extern void *ctx;
extern int64_t passed; // messages sent, or replies sent, so far; atomic

// die says what failed and why, wrong what was not as it must be; both end the process.
void die(const char *what);
void wrong(const char *what);

int64_t now(void);    // the monotonic clock in nanoseconds
int64_t cpu(void);    // processor time of this process, user and system, in nanoseconds
int64_t stride(void); // how many messages pass between two looks at the clock

// say prints one event: a line of JSON from a format.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// open_socket makes a socket of a type and binds it, which is told, or connects it.
void *open_socket(int type, int bind);

// attach is the second half of open_socket.
void attach(void *s, int bind);

// receive takes one message, checks its size and returns the sequence number in
// its first octets. With reply set the body is also copied there. It stands here
// to be inlined.
static inline uint64_t receive(void *s, zmq_msg_t *m, char *buf, char *reply)
{
    uint64_t seq;
    if (plain) {
        int n = zmq_msg_recv(m, s, 0);
        if (n < 0)
            die("zmq_msg_recv");
        if ((size_t)n != size)
            wrong("a message of the wrong size arrived");
        memcpy(&seq, zmq_msg_data(m), sizeof seq);
        if (reply)
            memcpy(reply, zmq_msg_data(m), size);
    } else {
        int n = zmq_recv(s, buf, size, 0);
        if (n < 0)
            die("zmq_recv");
        if ((size_t)n != size)
            wrong("a message of the wrong size arrived");
        memcpy(&seq, buf, sizeof seq);
        if (reply && reply != buf)
            memcpy(reply, buf, size);
    }
    return seq;
}

void spawn(void *(*f)(void *), void *arg);

// A counter is what a thread has done, and whether it counts yet.
struct counter {
    int64_t n, ready; // atomic
    char alone[48];   // in its line of the cache
};

void add(struct counter *c, int64_t n);
void set_ready(struct counter *c);

// many calls f on threads, each with a counter, waits until all are ready and for
// the warm-up, and measures what they do in the window. It does not return.
void many(int threads, void *(*f)(void *));

// serve polls the sockets of all peers in one thread, which does better with
// libzmq than a thread for each, and calls take for those that have something,
// AT_A_TIME at most before it turns to the next. take returns how many it took: 0
// when nothing is left. It does not return.
void serve(struct counter *c, void **sockets, int64_t (*take)(int i, int flags));
enum { AT_A_TIME = 256 };

// A topic is "topic/" and eight digits. Topics come in an order that is as good as
// random, in which each comes once before the first comes again.
enum {
    TOPIC = 14,   // octets of a topic
    STEP = 61819, // from one topic to the next; a prime
};
void write_topic(char *b, uint32_t topic); // fanout.c

// The roles. None of them returns.
void *push(void *unused); // throughput.c
void pull(void *s);
void *rep(void *s); // latency.c
void req(void);
void *poll_rep(void *s); // poll.c
void publish(int bind); // fanout.c
void pub(void);
void subs(void);
void router(void *s); // router.c
void dealers(void);
void visitors(void);
void forwarder(void); // proxy.c
void queue(void);
void feeder(void);
void worker(void);
void registrar(void); // topics.c
void subscribing(void);
void holding(void);

#endif
