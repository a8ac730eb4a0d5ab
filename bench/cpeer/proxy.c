// A steerable proxy between two sockets that bind, each of which says where, and who
// connects to it from the side that does not measure.

#include "peer.h"

static void proxy(int one, int other)
{
    int on = 1;
    void *backend = open_socket(one, 1), *frontend = zmq_socket(ctx, other), *control = zmq_socket(ctx, ZMQ_PAIR);
    if (!frontend || (other == ZMQ_XPUB && zmq_setsockopt(frontend, ZMQ_XPUB_NODROP, &on, sizeof on)))
        die("zmq_setsockopt");
    attach(frontend, 1);
    if (!control || zmq_bind(control, "inproc://control"))
        die("zmq_bind");
    if (zmq_proxy_steerable(frontend, backend, NULL, control))
        die("zmq_proxy_steerable");
    wrong("the proxy has ended");
}

void forwarder(void) { proxy(ZMQ_XSUB, ZMQ_XPUB); }
void queue(void) { proxy(ZMQ_DEALER, ZMQ_ROUTER); }

void feeder(void) { publish(0); }
void worker(void) { router(open_socket(ZMQ_DEALER, 0)); }
