package main

// rows is the whole comparison, with so many connections for those that are about
// memory.
func rows(connections int) []row {
	var all []row
	for _, transport := range []string{"tcp", "ipc"} {
		for _, of := range []struct {
			size            int
			goal, bar, cost float64 // the bar for tcp alone
		}{
			{16, 4, 3, 0.4},
			{64, 4, 3, 0.4},
			{256, 3, 2, 0.4},
			{1 << 10, 2.5, 2, 0},
			{4 << 10, 2, 1.3, 0},
			{16 << 10, 2, 0, 0},
			{64 << 10, 1.4, 1.3, 0},
			{1 << 20, 1.2, 0, 0},
		} {
			speed := want{figure: rate, goal: atLeast(of.goal)}
			if transport == "tcp" {
				speed.bar = atLeast(of.bar)
			}
			r := row{kind: oneWay, transport: transport, size: of.size, wants: []want{speed}}
			if of.cost > 0 {
				r.wants = append(r.wants, want{figure: cost, goal: atMost(of.cost)})
			}
			all = append(all, r)
		}
	}
	for _, of := range []struct {
		size int
		goal float64
	}{{64, 1.3}, {1 << 10, 1.2}, {64 << 10, 0.8}} {
		all = append(all, row{kind: oneWay, transport: "tcp", size: of.size, curve: true, wants: []want{{figure: rate, goal: atLeast(of.goal)}}})
	}
	tails := []want{{figure: p99, goal: atMost(0.7)}, {figure: p999, goal: atMost(0.7)}}
	trip := func(transport string, median want) row {
		return row{kind: thereAndBack, transport: transport, size: 64, wants: append([]want{median}, tails...)}
	}
	all = append(all,
		row{kind: oneWay, transport: "inproc", size: 64, wants: []want{
			{figure: rate, goal: atLeast(6), bar: atLeast(5)},
			{figure: cost, goal: atMost(0.4)},
		}},
		trip("tcp", want{figure: p50, goal: atMost(0.5), bar: atMost(0.75)}),
		trip("ipc", want{figure: p50, goal: atMost(0.5)}),
		trip("inproc", want{figure: p50, goal: atMost(0.1)}),
		row{kind: oneOfMany, transport: "tcp", size: 64, peers: 10},
		row{kind: oneOfMany, transport: "tcp", size: 64, peers: 1000, wants: []want{{figure: p50, goal: atMost(0.33)}}},
		row{kind: oneOfMany, transport: "inproc", size: 64, peers: 10},
		row{kind: oneOfMany, transport: "inproc", size: 64, peers: 1000, wants: []want{{figure: p50, goal: atMost(0.33)}}},
	)
	many := func(k *kind, goal float64, r row) row {
		r.kind, r.transport, r.size = k, "tcp", 64
		r.wants = []want{{figure: rate, goal: atLeast(goal)}}
		return r
	}
	return append(all,
		many(oneToMany, 3, row{peers: 1}),
		many(oneToMany, 3, row{peers: 8}),
		many(oneToMany, 3, row{peers: 64}),
		many(oneToMany, 3, row{peers: 1, topics: 100_000}),
		many(manyClients, 2, row{peers: 100, depth: 10}),
		many(manyClients, 1.7, row{peers: 1000, depth: 1}),
		many(comeAndGo, 2, row{peers: 8}),
		many(comeAndGo, 1.5, row{peers: 8, curve: true}),
		row{kind: forwarding, transport: "tcp", size: 100, wants: []want{{figure: rate, goal: atLeast(2)}}},
		row{kind: queueing, transport: "tcp", size: 100, peers: 10, depth: 100, wants: []want{{figure: rate, goal: atLeast(2)}}},
		row{kind: subscribing, transport: "tcp", size: 64, topics: 1_000_000},
		row{kind: topicMemory, transport: "tcp", size: 64, topics: 1_000_000},
		row{kind: idle, transport: "tcp", size: 64, peers: connections, wants: []want{
			{figure: resident, goal: atMost(2.5 * 1024)},
		}},
		row{kind: halfOpen, transport: "tcp", size: 64, peers: connections, wants: []want{
			{figure: resident, goal: atMost(8 * 1024)},
		}},
		row{kind: halfOpen, transport: "tcp", size: 64, peers: connections, curve: true, wants: []want{
			{figure: resident, goal: atMost(8 * 1024)},
		}},
	)
}
