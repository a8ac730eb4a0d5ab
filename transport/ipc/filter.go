package ipc

import (
	"fmt"
	"net"
	"os/user"
	"slices"
	"strconv"

	"zeromux/transport"
)

// filters reports whether a listener with these options looks at who comes.
func filters(o *transport.Options) bool {
	return len(o.AcceptPIDs)+len(o.AcceptUIDs)+len(o.AcceptGIDs) > 0
}

// admit turns away who is in none of the lists, if there is any.
func admit(conn net.Conn, o *transport.Options) error {
	if !filters(o) {
		return nil
	}
	peer, err := PeerCredentials(conn)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", transport.ErrTurnedAway, err)
	case slices.Contains(o.AcceptPIDs, peer.PID), slices.Contains(o.AcceptUIDs, peer.UID), slices.Contains(o.AcceptGIDs, peer.GID):
		return nil
	case len(o.AcceptGIDs) > 0 && (slices.ContainsFunc(groupsOfProcess(conn), isIn(o.AcceptGIDs)) ||
		slices.ContainsFunc(groupsOfUser(peer.UID), isIn(o.AcceptGIDs))):
		return nil
	}
	return fmt.Errorf("ipc: options AcceptPIDs, AcceptUIDs, AcceptGIDs: %w: %v", transport.ErrTurnedAway, peer)
}

func isIn(list []uint32) func(uint32) bool {
	return func(n uint32) bool { return slices.Contains(list, n) }
}

// groupsOfUser are the groups of a user in the system's book; none of one that is
// not in it.
func groupsOfUser(uid uint32) (groups []uint32) {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return nil
	}
	names, err := u.GroupIds()
	if err != nil {
		return nil
	}
	for _, name := range names {
		if n, err := strconv.ParseUint(name, 10, 32); err == nil {
			groups = append(groups, uint32(n))
		}
	}
	return groups
}
