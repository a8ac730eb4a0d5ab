package main

// internals are the programs of libzmq's folder unittests: what is inside differs, and
// what it must do does not.
var internals = []line{
	{name: "unittest_curve_encoding", checks: "messages sealed by CURVE", tests: tests("internal/mechanism.TestTwoCurveSidesLearnEachOthersPropertiesAndTalk", "internal/mechanism.TestTheFlagsWithinABox", "internal/mechanism.TestOpenRefusesWhatIsNoMessage", "internal/mechanism.FuzzOpen")},
	{name: "unittest_ip_resolver", checks: "text of addresses, and names that are looked up", tests: tests("transport.TestParseBind", "transport.TestParseConnect", "transport.TestRemote", "transport.TestLocal")},
	{name: "unittest_mtrie", checks: "the topics of a publisher and who wants them", tests: tests("internal/trie.TestTrieAgreesWithTheList", "internal/trie.TestATopicAddedTwiceIsRemovedOnce", "internal/trie.FuzzTrie")},
	{name: "unittest_poller", checks: "descriptors and timers that are waited for", tests: tests("iomux.TestEveryBackEndPassesTheBattery", "zmq.TestAPollerMixesSocketsAndDescriptors", "zmq.TestAPollerMayBeChangedWhileItWaits", "zmq.TestAReactorHandlesDescriptors", "zmq.TestATimerMayBeCancelledAndResetWhileAReactorRuns", "zmq.TestAHangUpIsToldUnasked", "zmq.TestAnAttemptThatIsGivenUpIsClosed")},
	{name: "unittest_radix_tree", checks: "the topics of a subscriber, counted", tests: tests("internal/trie.TestMultisetAgreesWithAMap")},
	{name: "unittest_udp_address", checks: "text of UDP endpoints", waits: forUDP},
	{name: "unittest_ypipe", checks: "a queue between two threads", tests: tests("internal/pipe.TestPipesDoAsTheModel", "internal/pipe.FuzzPipe")},
}

// surprises are what libzmq does and nobody would guess.
var surprises = []line{
	{name: "1", checks: "PAIR connects again, though its manual says otherwise: kept", tests: tests("TestQuirkPairComesBack")},
	{name: "2", checks: "inproc joins any two types: kept", tests: tests("TestQuirkInprocChecksNoTypes", "zmq.TestInprocJoinsAnyTwoTypes")},
	{name: "3", checks: "a monitor that nobody reads holds the socket up: here it loses events", tests: tests("TestQuirkMonitorHoldsNobodyUp", "zmq.TestAMonitorThatNobodyReadsHoldsNobodyUp", "zmq.TestAReaderOfEventsThatSleepsHoldsNobodyUp")},
	{name: "4", checks: "BUSY_POLL cannot be read: here it can", tests: tests("TestBusyPoll")},
	{name: "5", checks: "a tcp port is taken modulo 65536: here it is refused", tests: tests("TestQuirkPortIsNotTakenModulo")},
	{name: "6", checks: "a chosen routing id that is in use ends the process: here it is refused", tests: tests("TestConnectRid")},
	{name: "7", checks: "DGRAM that sends before it is bound", waits: forUDP},
	{name: "8", checks: "the context's largest message is not enforced", apart: "there is no such option; Limits.MessageSize of a socket is enforced"},
	{name: "9", checks: "the name of a group is cut", waits: forDrafts},
	{name: "10", checks: "SUB and XSUB do not linger by default: kept", tests: tests("zmq.TestTheDefaultLingerDependsOnTypeAndContext")},
	{name: "11", checks: "the heartbeat's timeout is the interval by default: kept", tests: tests("TestHeartbeats", "zmq.TestHeartbeatsFindAPeerThatIsSilent")},
	{name: "12", checks: "a time to live of more than 65.5 s wraps: here it does not", tests: tests("TestATimeToLiveOfMoreThanAMinute")},
	{name: "13", checks: "zmq_poll of nothing, or of less, crashes: here nothing is waited for until the call ends", tests: tests("TestQuirkPollOfNothing"), waits: forC},
	{name: "14", checks: "timers that are not there are destroyed", waits: forC},
	{name: "15", checks: "the steerable proxy of 4.3.5 is broken: here it does what the manual says", tests: tests("TestQuirkSteeringDoesWhatTheManualSays")},
	{name: "16", checks: "a bit of RECONNECT_STOP has another number in 4.3.4: here each is a field", tests: tests("TestReconnectOptions")},
	{name: "17", checks: "a largest interval below the interval shortens it: kept", tests: tests("TestReconnectOptions")},
	{name: "18", checks: "a property of four octets is refused: here none is measured as a whole", tests: tests("TestAppMeta")},
	{name: "19", checks: "a routing id may begin with a zero: kept", tests: tests("TestQuirkRoutingIDMayBeginWithZero")},
	{name: "20", checks: "a single frame to a ROUTER vanishes: kept", tests: tests("TestQuirkRouterSwallowsASingleFrame")},
	{name: "21", checks: "room is seen a millisecond late: here at once", tests: tests("TestQuirkRoomIsSeenAtOnce")},
	{name: "22", checks: "options that have no effect are taken: here they are refused by name", tests: tests("zmq.TestAFieldIsRefusedByTheTypesThatWouldIgnoreIt")},
	{name: "23", checks: "zmq_device without sockets crashes: here it is refused", tests: tests("TestQuirkProxyWithoutSockets", "zmq.TestWhatIsNoProxy"), waits: forC},
	{name: "24", checks: "two context options share a number", waits: forC},
	{name: "25", checks: "names of capabilities are in two cases", waits: forC},
	{name: "26", checks: "disconnecting forgets what was not received, unbinding does not: kept", tests: tests("TestQuirkDisconnectForgetsAndUnbindKeeps", "zmq.TestDisconnectThrowsAwayWhatWasNotReceived", "zmq.TestUnbindKeepsWhatHasArrived")},
	{name: "27", checks: "a child may begin anew after fork", apart: "a Go process does not fork; the C library will have to"},
	{name: "28", checks: "zmq_disconnect_peer and vsock came after 4.3.5", waits: forDrafts},
}
