// The other side of every comparison: libzmq, driven by one call per message.
// The Go program in the folder ../peer does the same with zeromux; both take the
// same command line and print the same lines of JSON, so the harness treats
// them alike.
//
//   peer ROLE -endpoint=E [-size=N] [-warmup=MS] [-window=MS] [-recv=into|plain]
//        [-peers=N] [-depth=N] [-topics=N] [-handshake=MS]
//        [-secret-key=K [-public-key=K -server-key=K]]
//
// The roles pull, rep, pollrep, pub and router bind; push, req, subs, dealers and visitors
// connect; forwarder and queue are steerable proxies that bind, and feeder and worker
// connect to them from the other side; registrar binds, and subscribing and holding
// connect, for subscriptions alone; pushpull, reqrep and pollreq hold both ends in one
// process, for inproc. With keys, which are of CURVE and in Z85, all connections have
// that mechanism, and who knows no server's key is the server. Options keep libzmq's
// defaults but where the command line, fanout.c and proxy.c say otherwise.
// On standard input "mark" asks for a mark event, "trim" for giving back all
// memory that is not needed; "quit" or end of file ends the process at once.

#include "peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

const char *endpoint = "";
size_t size = 64;
int64_t warmup_ns = 300 * 1000000LL, window_ns = 1000 * 1000000LL;
int plain;
int peers = 1, depth = 1, topics = 1;
static int handshake_ms; // what one may take; 0 is the default
static const char *secret_key, *public_key, *server_key;
void *ctx;
int64_t passed;

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fflush(stdout);
}

void die(const char *what)
{
    say("{\"event\":\"error\",\"text\":\"%s: %s\"}\n", what, zmq_strerror(errno));
    _exit(1);
}

void wrong(const char *what)
{
    say("{\"event\":\"error\",\"text\":\"%s\"}\n", what);
    _exit(1);
}

int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int64_t cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL
         + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

int64_t stride(void)
{
    int64_t n = (int64_t)(262144 / size);
    return n < 1 ? 1 : n > 64 ? 64 : n;
}

static void *control(void *unused)
{
    char line[64];
    (void)unused;
    while (fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "mark\n") == 0)
            say("{\"event\":\"mark\",\"messages\":%lld,\"cpu_ns\":%lld}\n",
                (long long)__atomic_load_n(&passed, __ATOMIC_RELAXED), (long long)cpu());
        if (strcmp(line, "trim\n") == 0) {
#ifdef __GLIBC__
            malloc_trim(0);
#endif
            say("{\"event\":\"trimmed\"}\n");
        }
    }
    _exit(0);
}

void *open_socket(int type, int bind)
{
    void *s = zmq_socket(ctx, type);
    if (!s)
        die("zmq_socket");
    attach(s, bind);
    return s;
}

static void set(void *s, int option, const void *value, size_t n)
{
    if (zmq_setsockopt(s, option, value, n))
        die("zmq_setsockopt");
}

// secure gives a socket its keys, and the side that it is.
static void secure(void *s)
{
    int server = !server_key;
    set(s, ZMQ_CURVE_SERVER, &server, sizeof server);
    if (!server) {
        set(s, ZMQ_CURVE_SERVERKEY, server_key, strlen(server_key) + 1);
        set(s, ZMQ_CURVE_PUBLICKEY, public_key, strlen(public_key) + 1);
    }
    set(s, ZMQ_CURVE_SECRETKEY, secret_key, strlen(secret_key) + 1);
}

void attach(void *s, int bind)
{
    if (secret_key)
        secure(s);
    if (handshake_ms)
        set(s, ZMQ_HANDSHAKE_IVL, &handshake_ms, sizeof handshake_ms);
    if (bind ? zmq_bind(s, endpoint) : zmq_connect(s, endpoint))
        die(bind ? "zmq_bind" : "zmq_connect");
    if (bind) {
        static char bound[256];
        size_t n = sizeof bound;
        if (zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, bound, &n))
            die("zmq_getsockopt");
        say("{\"event\":\"bound\",\"endpoint\":\"%s\"}\n", bound);
    }
}

void spawn(void *(*f)(void *), void *arg)
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
    else if (IS("-peers"))
        peers = atoi(value);
    else if (IS("-depth"))
        depth = atoi(value);
    else if (IS("-topics"))
        topics = atoi(value);
    else if (IS("-handshake"))
        handshake_ms = atoi(value);
    else if (IS("-public-key"))
        public_key = value;
    else if (IS("-secret-key"))
        secret_key = value;
    else if (IS("-server-key"))
        server_key = value;
    else
        wrong("an argument is not known");
    if (size < sizeof(uint64_t))
        wrong("a message must hold its sequence number: at least 8 octets");
}

static void play_pull(void) { pull(open_socket(ZMQ_PULL, 1)); }
static void play_push(void) { push(NULL); }
static void play_rep(void) { rep(open_socket(ZMQ_REP, 1)); }
static void play_pollrep(void) { poll_rep(open_socket(ZMQ_REP, 1)); }
static void play_router(void) { router(open_socket(ZMQ_ROUTER, 1)); }

static void play_pushpull(void)
{
    void *s = open_socket(ZMQ_PULL, 1);
    spawn(push, NULL);
    pull(s);
}

static void play_reqrep(void)
{
    spawn(rep, open_socket(ZMQ_REP, 1));
    req();
}

static void play_pollreq(void)
{
    spawn(poll_rep, open_socket(ZMQ_REP, 1));
    req();
}

static const struct {
    const char *name;
    void (*play)(void);
} roles[] = {
    {"pull", play_pull}, {"push", play_push}, {"pushpull", play_pushpull},
    {"rep", play_rep}, {"req", req}, {"reqrep", play_reqrep},
    {"pollrep", play_pollrep}, {"pollreq", play_pollreq},
    {"pub", pub}, {"subs", subs},
    {"router", play_router}, {"dealers", dealers}, {"visitors", visitors},
    {"forwarder", forwarder}, {"queue", queue}, {"feeder", feeder}, {"worker", worker},
    {"registrar", registrar}, {"subscribing", subscribing}, {"holding", holding},
};

// raise_limit lets this process have as many descriptors as it may.
static void raise_limit(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

int main(int argc, char **argv)
{
    const char *role = argc > 1 ? argv[1] : "";
    int major, minor, patch;
    for (int i = 2; i < argc; i++)
        option(argv[i]);
    if (!server_key != !public_key || (server_key && !secret_key))
        wrong("a server has a secret key, a client that, its public one and the server's");
    zmq_version(&major, &minor, &patch);
    say("{\"event\":\"hello\",\"library\":\"libzmq %d.%d.%d\"}\n", major, minor, patch);
    raise_limit();
    ctx = zmq_ctx_new();
    spawn(control, NULL);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (!strcmp(role, roles[i].name))
            roles[i].play();
    wrong("the role is not known");
    return 0;
}
