package main

// A line is one of libzmq's test programs, or one of its surprises, and what there is
// for it here.
type line struct {
	name   string // of the program, or the number of the surprise
	checks string // what it is about
	// tests are the functions that show it: TestX of package conformance, or
	// folder.TestX of another one.
	tests []string
	// waits is what must be built before it can be tested, or before the rest of it
	// can; empty: nothing. apart is why there is nothing to test, or why we do
	// otherwise.
	waits, apart string
}

// What lines wait for.
const (
	forDrafts    = "draft socket types"
	forUDP       = "UDP"
	forWebSocket = "WebSocket"
	forSecurity  = "security"
	forTIPC      = "TIPC"
	forVsock     = "vsock and VMCI"
	forC         = "C library"
	forPoller    = "poller"
	forProxy     = "proxy"
	forMonitor   = "monitor stream"
	forOptions   = "transport options"
	forMulticast = "multicast"
)

// programs are those of libzmq's folder tests.
var programs = []line{
	{name: "test_abstract_ipc", checks: "an abstract ipc name is bound and connected to; \"@\" alone is none", tests: tests("TestAbstractIpc")},
	{name: "test_address_tipc", checks: "forms of TIPC addresses", waits: forTIPC},
	{name: "test_ancillaries", checks: "the version and the texts of errors", waits: forC},
	{name: "test_app_meta", checks: "properties of the application reach the peer; malformed ones are refused", tests: tests("TestAppMeta")},
	{name: "test_atomics", checks: "an atomic counter", waits: forC},
	{name: "test_base85", checks: "Z85, both ways, and what is none", waits: forSecurity},
	{name: "test_bind_after_connect_tcp", checks: "what is sent before the bind arrives in order", tests: tests("TestBindAfterConnectTcp")},
	{name: "test_bind_curve_fuzzer", checks: "a CURVE server outlives any octets", waits: forSecurity},
	{name: "test_bind_fuzzer", checks: "any text is an endpoint to bind, or refused", tests: tests("transport.FuzzEndpoint", "transport.FuzzAddress")},
	{name: "test_bind_null_fuzzer", checks: "a listener outlives any octets and serves the next peer", tests: tests("internal/engine.FuzzConnection")},
	{name: "test_bind_src_address", checks: "a connection from an address of our own", tests: tests("TestBindSrcAddress")},
	{name: "test_bind_stream_fuzzer", checks: "a raw listener outlives any octets and serves the next peer", tests: tests("internal/engine.FuzzConnection")},
	{name: "test_bind_ws_fuzzer", checks: "a WebSocket listener outlives any octets", waits: forWebSocket},
	{name: "test_busy_poll", checks: "busy polling can be asked for", waits: forOptions},
	{name: "test_capabilities", checks: "what the library says that it can do", waits: forC},
	{name: "test_channel", checks: "CHANNEL, there and back", waits: forDrafts},
	{name: "test_client_server", checks: "CLIENT and SERVER, there and back", waits: forDrafts},
	{name: "test_conflate", checks: "the newest message alone is kept", tests: tests("TestConflate")},
	{name: "test_connect_curve_fuzzer", checks: "a CURVE client outlives any octets", waits: forSecurity},
	{name: "test_connect_delay_tipc", checks: "IMMEDIATE over TIPC", waits: forTIPC},
	{name: "test_connect_fuzzer", checks: "any text is an endpoint to connect to, or refused", tests: tests("transport.FuzzEndpoint", "transport.FuzzAddress")},
	{name: "test_connect_null_fuzzer", checks: "a socket that connects outlives any octets", tests: tests("internal/engine.FuzzConnection")},
	{name: "test_connect_resolve", checks: "names and literals to connect to, good and bad", tests: tests("TestConnectResolve")},
	{name: "test_connect_rid", checks: "a peer is named before it is there", tests: tests("TestConnectRid")},
	{name: "test_connect_stream_fuzzer", checks: "a raw socket that connects outlives any octets", tests: tests("internal/engine.FuzzConnection")},
	{name: "test_connect_ws_fuzzer", checks: "a WebSocket client outlives any octets", waits: forWebSocket},
	{name: "test_ctx_destroy", checks: "the end of a context ends every call", tests: tests("TestCtxDestroy"), waits: forPoller},
	{name: "test_ctx_options", checks: "options of a context, their range and what sockets inherit", tests: tests("TestCtxOptions"), apart: "goroutines have no priority, affinity or name of their own"},
	{name: "test_dgram", checks: "DGRAM, there and back", waits: forUDP},
	{name: "test_diffserv", checks: "the type of service reads back and hinders nothing", tests: tests("TestDiffserv", "transport/tcp.TestOptionsReachBothEnds")},
	{name: "test_disconnect_inproc", checks: "a neighbour disconnects: its subscriptions go, and nothing comes any more", tests: tests("TestDisconnectInproc")},
	{name: "test_disconnect_msg", checks: "a message stands for a peer that is gone", tests: tests("TestDisconnectMsg", "interop.TestOurRouterHearsThatTheyAreGone"), waits: forDrafts},
	{name: "test_filter_ipc", checks: "who may connect to an ipc path", waits: forOptions},
	{name: "test_fork", checks: "a child process begins anew", apart: "a Go process does not fork; the C library will have to"},
	{name: "test_getsockopt_memset", checks: "lengths of option buffers", waits: forC},
	{name: "test_heartbeats", checks: "silent peers are found, PING is answered, nobody else is dropped", tests: tests("TestHeartbeats", "interop.TestTheirHeartbeatsAreAnswered", "interop.TestPeerThatStopsAnsweringHeartbeatsIsDropped", "interop.TestTheTimeToLiveOfTheirHeartbeatsIsKept"), waits: forSecurity},
	{name: "test_hello_msg", checks: "a greeting is the first message to every peer", tests: tests("TestHelloMsg", "interop.TestTheirPeersHearOurHelloFirst"), waits: forDrafts},
	{name: "test_hiccup_msg", checks: "a message stands for a connection that is lost", tests: tests("TestHiccupMsg", "interop.TestOurDealerHearsThatTheirServerIsGone"), waits: forDrafts},
	{name: "test_hwm", checks: "how many messages an inproc pipe holds", tests: tests("TestHwm")},
	{name: "test_hwm_pubsub", checks: "a publisher drops what is beyond the mark, or waits", tests: tests("TestHwmPubsub")},
	{name: "test_immediate", checks: "messages for connections that are up alone", tests: tests("TestImmediate")},
	{name: "test_inproc_connect", checks: "bind and connect in any order, in races, and never", tests: tests("TestInprocConnect")},
	{name: "test_invalid_rep", checks: "a reply without a body is passed over", tests: tests("TestInvalidRep")},
	{name: "test_iov", checks: "messages in the form of iovec", waits: forC},
	{name: "test_ipc_wildcard", checks: "\"ipc://*\" is a path of its own each time", tests: tests("TestIpcWildcard")},
	{name: "test_issue_566", checks: "a mandatory ROUTER reaches a hundred peers, one after the other", tests: tests("TestIssue566")},
	{name: "test_last_endpoint", checks: "the last endpoint is what was bound last", tests: tests("TestLastEndpoint")},
	{name: "test_many_sockets", checks: "a context has as many sockets as it may", tests: tests("TestManySockets")},
	{name: "test_metadata", checks: "what a message knows of its sender", tests: tests("TestMetadata"), waits: forSecurity},
	{name: "test_mock_pub_sub", checks: "subscriptions of ZMTP 3.0 and 3.1, both ways", tests: tests("TestMockPubSub")},
	{name: "test_monitor", checks: "the order and the words of events", tests: tests("TestReconnectOptions", "zmq.TestEventsTellTheLifeOfAConnection"), waits: forMonitor},
	{name: "test_msg_ffn", checks: "lent memory is given back exactly once", tests: tests("TestMsgFfn")},
	{name: "test_msg_flags", checks: "frames stay together and in order", tests: tests("TestMsgFlags"), waits: forC},
	{name: "test_msg_init", checks: "messages that are empty, borrowed and copied", tests: tests("TestMsgInit")},
	{name: "test_pair_inproc", checks: "PAIR over inproc, and memory that never changes", tests: tests("TestPairInproc")},
	{name: "test_pair_ipc", checks: "PAIR over ipc; a path that is too long", tests: tests("TestPairIpc")},
	{name: "test_pair_tcp", checks: "PAIR over tcp, and by a name of the host", tests: tests("TestPairTcp")},
	{name: "test_pair_tcp_cap_net_admin", checks: "a device that traffic must use", tests: tests("TestPairTcpCapNetAdmin")},
	{name: "test_pair_tipc", checks: "PAIR over TIPC", waits: forTIPC},
	{name: "test_pair_vmci", checks: "PAIR over VMCI", waits: forVsock},
	{name: "test_pair_vsock", checks: "PAIR over vsock", waits: forVsock},
	{name: "test_peer", checks: "PEER, there and back", waits: forDrafts},
	{name: "test_peer_disconnect", checks: "a PEER lets go of one peer", waits: forDrafts},
	{name: "test_poller", checks: "the poller and its errors", waits: forPoller},
	{name: "test_probe_router", checks: "an empty message makes a peer known", tests: tests("TestProbeRouter", "interop.TestProbeTellsTheRouterWhoIsThere")},
	{name: "test_proxy", checks: "many clients and workers by way of a proxy", waits: forProxy},
	{name: "test_proxy_hwm", checks: "a proxy loses nothing at its marks", waits: forProxy},
	{name: "test_proxy_single_socket", checks: "one socket as both ends of a proxy", waits: forProxy},
	{name: "test_proxy_steerable", checks: "a proxy that is told what to do", waits: forProxy},
	{name: "test_proxy_terminate", checks: "a proxy that is blocked ends with its context", waits: forProxy},
	{name: "test_pub_invert_matching", checks: "matching is turned round, while it runs", tests: tests("TestPubInvertMatching")},
	{name: "test_pubsub", checks: "PUB and SUB over NORM", waits: forMulticast},
	{name: "test_pubsub_topics_count", checks: "distinct topics are counted", tests: tests("TestPubsubTopicsCount")},
	{name: "test_radio_dish", checks: "RADIO and DISH", waits: forDrafts},
	{name: "test_rebind_ipc", checks: "a path that was given up is bound again", tests: tests("TestRebindIpc")},
	{name: "test_reconnect_ivl", checks: "an endpoint that is tried once", tests: tests("TestReconnectIvl")},
	{name: "test_reconnect_options", checks: "what ends the attempts, and the order of events", tests: tests("TestReconnectOptions")},
	{name: "test_req_correlate", checks: "a request carries a number, and its reply the same", tests: tests("TestReqCorrelate", "interop.TestCorrelatedRequestsAreAnswered")},
	{name: "test_req_relaxed", checks: "a new request takes the place of one that is not answered", tests: tests("TestReqRelaxed", "interop.TestRelaxedRequestGivesUpOnItsFirstPeer")},
	{name: "test_reqrep_device", checks: "a relay by hand keeps envelopes", tests: tests("TestReqrepDevice")},
	{name: "test_reqrep_device_tipc", checks: "the same over TIPC", waits: forTIPC},
	{name: "test_reqrep_inproc", checks: "a request and its reply over inproc", tests: tests("TestReqrepInproc")},
	{name: "test_reqrep_ipc", checks: "over ipc, and to a requester that is gone", tests: tests("TestReqrepIpc")},
	{name: "test_reqrep_tcp", checks: "over tcp, to one and to several, from a port of ours, IPv4 and IPv6", tests: tests("TestReqrepTcp")},
	{name: "test_reqrep_tipc", checks: "over TIPC", waits: forTIPC},
	{name: "test_reqrep_vmci", checks: "over VMCI", waits: forVsock},
	{name: "test_reqrep_vsock", checks: "over vsock", waits: forVsock},
	{name: "test_router_handover", checks: "a newcomer takes over a routing id, or does not", tests: tests("TestRouterHandover", "interop.TestTheirNewcomerTakesOverARoutingID")},
	{name: "test_router_mandatory", checks: "what cannot be routed is an error; the state of a peer", tests: tests("TestRouterMandatory", "interop.TestRouterToldToMindReportsPeersThatItHasNot")},
	{name: "test_router_mandatory_hwm", checks: "a full peer is an error, and stays one", tests: tests("TestRouterMandatoryHwm")},
	{name: "test_router_mandatory_tipc", checks: "the same over TIPC", waits: forTIPC},
	{name: "test_router_notify", checks: "word of who comes and goes", tests: tests("TestRouterNotify")},
	{name: "test_scatter_gather", checks: "SCATTER and GATHER", waits: forDrafts},
	{name: "test_security_curve", checks: "CURVE, and whom it refuses", waits: forSecurity},
	{name: "test_security_gssapi", checks: "GSSAPI, and whom it refuses", waits: forSecurity},
	{name: "test_security_no_zap_handler", checks: "a domain that nobody answers for", waits: forSecurity},
	{name: "test_security_null", checks: "a domain without security", waits: forSecurity},
	{name: "test_security_plain", checks: "PLAIN, and whom it refuses", waits: forSecurity},
	{name: "test_security_zap", checks: "answers of an authenticator, good and bad", waits: forSecurity},
	{name: "test_setsockopt", checks: "defaults of the system's buffers, and that they read back", tests: tests("TestSetsockopt"), waits: forOptions},
	{name: "test_shutdown_stress", checks: "a hundred sockets come and go while their peer ends", tests: tests("TestShutdownStress")},
	{name: "test_shutdown_stress_tipc", checks: "the same over TIPC", waits: forTIPC},
	{name: "test_socket_null", checks: "calls without a socket", waits: forC},
	{name: "test_socket_options_fuzzer", checks: "any configuration is taken or refused", tests: tests("FuzzSocketOptions")},
	{name: "test_sockopt_hwm", checks: "a mark that changes on a live socket", tests: tests("TestSockoptHwm")},
	{name: "test_socks", checks: "connections by way of SOCKS5", waits: forOptions},
	{name: "test_sodium", checks: "CURVE keys", waits: forSecurity},
	{name: "test_spec_dealer", checks: "RFC 28: DEALER", tests: tests("TestSpecDealer")},
	{name: "test_spec_pushpull", checks: "RFC 30: PUSH and PULL", tests: tests("TestSpecPushpull")},
	{name: "test_spec_rep", checks: "RFC 28: REP", tests: tests("TestSpecRep")},
	{name: "test_spec_req", checks: "RFC 28: REQ", tests: tests("TestSpecReq")},
	{name: "test_spec_router", checks: "RFC 28: ROUTER", tests: tests("TestSpecRouter")},
	{name: "test_srcfd", checks: "the descriptor that a message came over", waits: forC},
	{name: "test_stream", checks: "ZMTP spoken by hand; a page by HTTP", tests: tests("TestStream")},
	{name: "test_stream_disconnect", checks: "an empty message closes a connection", tests: tests("TestStreamDisconnect")},
	{name: "test_stream_empty", checks: "an empty message to a ZMTP peer does no harm", tests: tests("TestStreamEmpty")},
	{name: "test_stream_exceeds_buffer", checks: "a burst that is larger than a buffer", tests: tests("TestStreamExceedsBuffer")},
	{name: "test_stream_timeout", checks: "a handshake has its time, on either side", tests: tests("TestStreamTimeout")},
	{name: "test_sub_forward", checks: "a relay by hand passes subscriptions up and messages down", tests: tests("TestSubForward")},
	{name: "test_sub_forward_tipc", checks: "the same over TIPC", waits: forTIPC},
	{name: "test_system", checks: "the machine: the loopback device, and enough descriptors", tests: tests("TestSystem")},
	{name: "test_tcp_accept_filter", checks: "which addresses may connect", waits: forOptions},
	{name: "test_term_endpoint", checks: "an endpoint that was given up, and what a wildcard became", tests: tests("TestTermEndpoint")},
	{name: "test_term_endpoint_tipc", checks: "the same over TIPC", waits: forTIPC},
	{name: "test_thread_safe", checks: "many threads send on one socket", tests: tests("TestThreadSafe"), waits: forDrafts},
	{name: "test_timeo", checks: "timeouts of sending and receiving", tests: tests("TestTimeo")},
	{name: "test_timers", checks: "timers that the application runs", waits: forPoller},
	{name: "test_unbind_wildcard", checks: "wildcards of IPv4 and IPv6 are bound, connected to and given up", tests: tests("TestUnbindWildcard")},
	{name: "test_use_fd", checks: "a listener that somebody else has opened", tests: tests("TestUseFd"), waits: forOptions},
	{name: "test_ws_transport", checks: "WebSocket", waits: forWebSocket},
	{name: "test_wss_transport", checks: "WebSocket over TLS", waits: forWebSocket},
	{name: "test_xpub_manual", checks: "the application grants subscriptions by hand", tests: tests("TestXpubManual")},
	{name: "test_xpub_manual_last_value", checks: "and the newest subscriber gets the first message alone", tests: tests("TestXpubManualLastValue")},
	{name: "test_xpub_nodrop", checks: "a publisher that may not drop", tests: tests("TestXpubNodrop")},
	{name: "test_xpub_topic", checks: "topics whose frames are as long as a short one can be, and longer", tests: tests("TestXpubTopic")},
	{name: "test_xpub_verbose", checks: "which subscriptions a publisher hears of", tests: tests("TestXpubVerbose")},
	{name: "test_xpub_welcome_msg", checks: "the first message to a subscriber", tests: tests("TestXpubWelcomeMsg", "interop.TestWelcomeIsTheFirstThingThatASubscriberHears")},
	{name: "test_xsub_verbose", checks: "which cancellations a subscriber passes on", tests: tests("TestXsubVerbose")},
	{name: "test_z85_decode_fuzzer", checks: "any text is Z85 or refused", waits: forSecurity},
	{name: "test_zmq_poll_fd", checks: "a socket and a descriptor in one poll", waits: forPoller},
	{name: "test_zmq_ppoll_fd", checks: "the same with a mask of signals", waits: forC},
	{name: "test_zmq_ppoll_signals", checks: "a signal ends a poll", waits: forC},
}

// tests is short for a list of names.
func tests(names ...string) []string { return names }
