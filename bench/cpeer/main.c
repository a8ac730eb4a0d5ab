// The other side of every comparison: libzmq, driven by one call per message.
// The Go program in the folder ../peer does the same with zeromux; both take the
// same command line and print the same lines of JSON, so the harness treats
// them alike.
//
//   peer pull|push|rep|req|pushpull|reqrep -endpoint=E [-size=N]
//        [-warmup=MS] [-window=MS] [-recv=into|plain]
//
// pull and rep bind, push and req connect; pushpull and reqrep hold both ends
// in one process, for inproc. Options keep libzmq's defaults throughout.
// On standard input "mark" asks for a mark event; "quit" or end of file ends
// the process at once.

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

const char *endpoint = "";
size_t size = 64;
int64_t warmup_ns = 300 * 1000000LL, window_ns = 1000 * 1000000LL;
int plain;
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
    }
    _exit(0);
}

void *open_socket(int type, int bind)
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
        say("{\"event\":\"bound\",\"endpoint\":\"%s\"}\n", bound);
    }
    return s;
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
    say("{\"event\":\"hello\",\"library\":\"libzmq %d.%d.%d\"}\n", major, minor, patch);
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
