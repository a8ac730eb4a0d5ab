//go:build ignore

// The other side of every comparison: libzmq, driven by one call per message.
// The Go program in the folder peer does the same with zeromux; both take the
// same command line and print the same lines of JSON, so the harness treats
// them alike. (The first line keeps the go command from compiling this file.)
//
//   peer pull|push|rep|req|pushpull|reqrep -endpoint=E [-size=N]
//        [-warmup=MS] [-window=MS] [-recv=into|plain]
//
// pull and rep bind, push and req connect; pushpull and reqrep hold both ends
// in one process, for inproc. Options keep libzmq's defaults throughout.
// On standard input "mark" asks for a mark event; "quit" or end of file ends
// the process at once.

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    MAX_LATENCIES = 1 << 22,
    WARMUP_MESSAGES = 2500, // the two high-water marks and more: queues are as full as they get
};

static const char *endpoint = "";
static size_t size = 64;
static int64_t warmup_ns = 300 * 1000000LL;
static int64_t window_ns = 1000 * 1000000LL;
static int plain; // 1: zmq_msg_recv, 0: zmq_recv into one buffer
static void *ctx;
static int64_t passed; // messages sent, or replies sent, so far; atomic

static void die(const char *what)
{
    printf("{\"event\":\"error\",\"text\":\"%s: %s\"}\n", what, zmq_strerror(errno));
    fflush(stdout);
    _exit(1);
}

static void wrong(const char *what)
{
    printf("{\"event\":\"error\",\"text\":\"%s\"}\n", what);
    fflush(stdout);
    _exit(1);
}

// now is the monotonic clock in nanoseconds.
static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// cpu is the processor time of this process, user and system, in nanoseconds.
static int64_t cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL
         + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

// stride is how many messages pass between two looks at the clock.
static int64_t stride(void)
{
    int64_t n = (int64_t)(262144 / size);
    return n < 1 ? 1 : n > 64 ? 64 : n;
}

static void *control(void *unused)
{
    char line[64];
    (void)unused;
    while (fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "mark\n") == 0) {
            printf("{\"event\":\"mark\",\"messages\":%lld,\"cpu_ns\":%lld}\n",
                   (long long)__atomic_load_n(&passed, __ATOMIC_RELAXED), (long long)cpu());
            fflush(stdout);
        }
    }
    _exit(0);
}

static void *open_socket(int type, int bind)
{
    void *s = zmq_socket(ctx, type);
    if (!s)
        die("zmq_socket");
    if (bind ? zmq_bind(s, endpoint) : zmq_connect(s, endpoint))
        die(bind ? "zmq_bind" : "zmq_connect");
    if (bind) {
        static char bound[256];
        size_t n = sizeof bound;
        if (zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, bound, &n))
            die("zmq_getsockopt");
        printf("{\"event\":\"bound\",\"endpoint\":\"%s\"}\n", bound);
        fflush(stdout);
    }
    return s;
}

// receive takes one message, checks its size and returns its sequence number.
// With reply set the body is also copied there.
static uint64_t receive(void *s, zmq_msg_t *m, char *buf, char *reply)
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

static void *push(void *unused)
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
static void pull(void *s)
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
    printf("{\"event\":\"start\"}\n");
    fflush(stdout);
    int64_t cpu0 = cpu(), t0 = now();
    RECEIVE(count);
    int64_t t1 = now(), cpu1 = cpu();
    printf("{\"event\":\"end\",\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld}\n",
           (long long)count, (long long)(t1 - t0), (long long)(cpu1 - cpu0));
    fflush(stdout);
    for (;;) // the sender's own figures are read while messages still flow
        RECEIVE(1);
}

static void *rep(void *s)
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

static long long percentile(const uint32_t *sorted, int64_t n, int64_t permille)
{
    return sorted[(n * permille + 999) / 1000 - 1];
}

static void req(void)
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
    printf("{\"event\":\"start\"}\n");
    fflush(stdout);
    int64_t cpu0 = cpu(), t0 = now(), t = t0;
    while (t - t0 < window_ns && n < MAX_LATENCIES) {
        ROUND_TRIP();
        int64_t u = now();
        took[n++] = u - t > UINT32_MAX ? UINT32_MAX : (uint32_t)(u - t);
        t = u;
    }
    int64_t cpu1 = cpu();
    qsort(took, n, sizeof *took, by_value);
    printf("{\"event\":\"end\",\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld,"
           "\"p50_ns\":%lld,\"p99_ns\":%lld,\"p999_ns\":%lld}\n",
           (long long)n, (long long)(t - t0), (long long)(cpu1 - cpu0),
           percentile(took, n, 500), percentile(took, n, 990), percentile(took, n, 999));
    fflush(stdout);
    for (;;) {
        ROUND_TRIP();
    }
}

static void spawn(void *(*f)(void *), void *arg)
{
    pthread_t t;
    if (pthread_create(&t, NULL, f, arg))
        wrong("pthread_create failed");
}

static void option(const char *arg)
{
    const char *value = strchr(arg, '=');
    size_t n;
    if (arg[0] != '-' || !value)
        wrong("an argument is not -name=value");
    n = (size_t)(value++ - arg);
#define IS(name) (n == strlen(name) && memcmp(arg, name, n) == 0)
    if (IS("-endpoint"))
        endpoint = value;
    else if (IS("-size"))
        size = (size_t)atoll(value);
    else if (IS("-warmup"))
        warmup_ns = atoll(value) * 1000000LL;
    else if (IS("-window"))
        window_ns = atoll(value) * 1000000LL;
    else if (IS("-recv") && (!strcmp(value, "into") || !strcmp(value, "plain")))
        plain = !strcmp(value, "plain");
    else
        wrong("an argument is not known");
    if (size < sizeof(uint64_t))
        wrong("a message must hold its sequence number: at least 8 octets");
}

int main(int argc, char **argv)
{
    const char *role = argc > 1 ? argv[1] : "";
    int major, minor, patch;
    for (int i = 2; i < argc; i++)
        option(argv[i]);
    zmq_version(&major, &minor, &patch);
    printf("{\"event\":\"hello\",\"library\":\"libzmq %d.%d.%d\"}\n", major, minor, patch);
    fflush(stdout);
    ctx = zmq_ctx_new();
    spawn(control, NULL);
    if (!strcmp(role, "pull")) {
        pull(open_socket(ZMQ_PULL, 1));
    } else if (!strcmp(role, "push")) {
        push(NULL);
    } else if (!strcmp(role, "rep")) {
        rep(open_socket(ZMQ_REP, 1));
    } else if (!strcmp(role, "req")) {
        req();
    } else if (!strcmp(role, "pushpull")) {
        void *s = open_socket(ZMQ_PULL, 1);
        spawn(push, NULL);
        pull(s);
    } else if (!strcmp(role, "reqrep")) {
        spawn(rep, open_socket(ZMQ_REP, 1));
        req();
    } else {
        wrong("the role is none of pull, push, rep, req, pushpull, reqrep");
    }
    return 0;
}
