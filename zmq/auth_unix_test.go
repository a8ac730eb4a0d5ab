//go:build unix

package zmq_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"zeromux/zmq"
)

// The end of a Unix-domain socket has a name that whoever connects has chosen.
func TestAPeerCannotChooseItsAddress(t *testing.T) {
	for name, give := range map[string]func(*testing.T, *zmq.Socket, *net.UnixListener){
		"Serve": func(t *testing.T, s *zmq.Socket, l *net.UnixListener) {
			if _, err := s.Serve(l); err != nil {
				t.Fatal(err)
			}
		},
		"Attach": func(t *testing.T, s *zmq.Socket, l *net.UnixListener) {
			go func() {
				defer l.Close()
				if conn, err := l.Accept(); err != nil || s.Attach(conn) != nil {
					t.Error("no connection")
				}
			}()
		},
	} {
		for _, chosen := range []string{"10.1.2.3", "localhost:0:0:1"} {
			t.Run(name+", "+chosen, func(t *testing.T) {
				t.Chdir(t.TempDir()) // the name is as short as that only from here
				l, err := net.ListenUnix("unix", &net.UnixAddr{Name: "s", Net: "unix"})
				if err != nil {
					t.Fatal(err)
				}
				asked := make(chan zmq.Applicant, 1)
				c := newContext(t)
				server := newSocket(t, c, zmq.PULL, &zmq.Config{Security: zmq.Security{
					Authenticator: func(_ context.Context, p *zmq.Applicant) error {
						asked <- *p
						return nil
					},
				}})
				give(t, server, l)
				conn, err := net.DialUnix("unix", &net.UnixAddr{Name: chosen, Net: "unix"}, l.Addr().(*net.UnixAddr))
				if err != nil {
					t.Fatal(err)
				}
				if err := newSocket(t, c, zmq.PUSH, nil).Attach(conn); err != nil {
					t.Fatal(err)
				}
				p := <-asked
				us := fmt.Sprintf("localhost:%d:%d:%d", os.Getuid(), os.Getgid(), os.Getpid())
				if p.Address != us && p.Address != "" { // some systems tell nothing
					t.Errorf("the peer is at %q, want %q", p.Address, us)
				}
				if addresses(t, "10.0.0.0/8").Allow(t.Context(), &p) == nil {
					t.Error("it is let in for a name")
				}
			})
		}
	}
}
