package conformance

import (
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"zeromux/zmq"
)

// Who may connect.

// admits checks that a peer of a PULL comes in, or is turned away, which is told.
func (s *stage) admits(pull *actor, peer func(*zmq.Config), want bool) {
	s.Helper()
	events := s.watch(pull)
	s.endpoint = pull.bind(s.endpoint)
	push := s.connect(zmq.PUSH, peer)
	push.send("hello")
	if want {
		pull.want("hello")
		return
	}
	for range 2 { // it comes again
		if e := events.await(zmq.EventAcceptFailed); e.Value != int(syscall.EACCES) || e.Err == nil {
			s.Errorf("the event is %+v", e)
		}
	}
	pull.silent()
	pull.peers(0)
}

func plain(*zmq.Config) {}

func TestFilterIpc(t *testing.T) {
	const nobody = 4_000_000_000
	me, my, mine := int32(os.Getpid()), uint32(os.Geteuid()), uint32(os.Getegid())
	others, err := os.Getgroups()
	if err != nil {
		t.Skip(err)
	}
	rows := map[string]struct {
		ipc  zmq.IPC
		want bool
	}{
		"no filter":                     {zmq.IPC{}, true},
		"our process":                   {zmq.IPC{AcceptPIDs: []int32{me}}, true},
		"another process":               {zmq.IPC{AcceptPIDs: []int32{me + 1}}, false},
		"our user":                      {zmq.IPC{AcceptUIDs: []uint32{my + 1, my}}, true},
		"another user":                  {zmq.IPC{AcceptUIDs: []uint32{my + 1}}, false},
		"our group":                     {zmq.IPC{AcceptGIDs: []uint32{mine}}, true},
		"another group":                 {zmq.IPC{AcceptGIDs: []uint32{nobody}}, false},
		"another process, but our user": {zmq.IPC{AcceptPIDs: []int32{me + 1}, AcceptUIDs: []uint32{my}}, true},
		"another user, but our group":   {zmq.IPC{AcceptUIDs: []uint32{my + 1}, AcceptGIDs: []uint32{mine}}, true},
	}
	for _, group := range others {
		row := rows["our group"]
		row.ipc.AcceptGIDs = []uint32{nobody, uint32(group)}
		rows["a further group of ours"] = row
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			over(t, func(s *stage) {
				pull := s.socket(zmq.PULL)
				pull.configure(func(c *zmq.Config) { c.IPC = row.ipc })
				s.admits(pull, plain, row.want)
			}, "ipc")
		})
	}
	t.Run("taken back", func(t *testing.T) {
		over(t, func(s *stage) {
			pull := s.socket(zmq.PULL)
			pull.configure(func(c *zmq.Config) { c.IPC.AcceptPIDs = []int32{me + 1} })
			pull.configure(func(c *zmq.Config) { c.IPC = zmq.IPC{} })
			s.admits(pull, plain, true)
		}, "ipc")
	})
}

func TestTcpAcceptFilter(t *testing.T) {
	from := func(texts ...string) (list []netip.Prefix) {
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	for name, row := range map[string]struct {
		accept   []netip.Prefix
		endpoint string // where it is bound, if not at an address of IPv4
		want     bool
	}{
		"no filter":                          {nil, "", true},
		"this very address":                  {from("127.0.0.1/32"), "", true},
		"a network that it is in":            {from("127.0.0.0/8"), "", true},
		"an address that is not a network's": {from("127.200.3.4/8"), "", true},
		"one of several":                     {from("10.0.0.0/8", "127.0.0.1/32"), "", true},
		"everybody":                          {from("0.0.0.0/0"), "", true},
		"another address":                    {from("127.0.0.2/32"), "", false},
		"another network":                    {from("223.255.255.254/8"), "", false},
		"another family":                     {from("::1/128"), "", false},
		"IPv6: this very address":            {from("::1/128"), "tcp://[::1]:*", true},
		"IPv6: a network that it is in":      {from("::/96"), "tcp://[::1]:*", true},
		"IPv6: another address":              {from("::2/128"), "tcp://[::1]:*", false},
		"IPv6: another family":               {from("127.0.0.1/32"), "tcp://[::1]:*", false},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, func(s *stage) {
				six := func(c *zmq.Config) { c.Network.IPv6 = row.endpoint != "" }
				if row.endpoint != "" {
					s.endpoint = row.endpoint
				}
				s.admits(s.socket(zmq.PULL, six, func(c *zmq.Config) { c.TCP.AcceptFrom = row.accept }), six, row.want)
			}, "tcp")
		})
	}
	t.Run("a peer of IPv4 of a socket with IPv6", func(t *testing.T) {
		over(t, func(s *stage) {
			pull := s.socket(zmq.PULL, func(c *zmq.Config) {
				c.Network.IPv6 = true
				c.TCP.AcceptFrom = from("127.0.0.1/32")
			})
			bound := pull.bind("tcp://*:*")
			s.connectTo("tcp://127.0.0.1"+bound[strings.LastIndex(bound, ":"):], zmq.PUSH).send("hello")
			pull.want("hello")
		}, "tcp")
	})
	t.Run("taken back", func(t *testing.T) {
		over(t, func(s *stage) {
			pull := s.socket(zmq.PULL, func(c *zmq.Config) { c.TCP.AcceptFrom = from("10.0.0.0/8") })
			pull.configure(func(c *zmq.Config) { c.TCP.AcceptFrom = nil })
			s.admits(pull, plain, true)
		}, "tcp")
	})
	t.Run("what is no prefix", func(t *testing.T) {
		s := newStage(t, "tcp")
		pull := s.socket(zmq.PULL)
		for _, bad := range []netip.Prefix{{}, netip.PrefixFrom(netip.MustParseAddr("127.0.0.1"), 33), netip.PrefixFrom(netip.MustParseAddr("::1"), 129)} {
			s.wrong(pull.Configure(func(c *zmq.Config) { c.TCP.AcceptFrom = []netip.Prefix{bad} }), zmq.ErrInvalid)
		}
		if list := pull.Config().TCP.AcceptFrom; list != nil {
			t.Errorf("it has %v", list)
		}
	})
}
