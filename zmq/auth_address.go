package zmq

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// addressIPC stands in an AddressSet for peers over ipc.
const addressIPC = "ipc"

// An AddressSet is a set of places where peers may be: IP addresses and whole prefixes
// of them, and this machine by ipc. Its methods Allow and Deny are policies. The zero
// value is empty. It does not change.
type AddressSet struct {
	prefixes map[netip.Prefix]bool
	lengths  [2][]int // of the prefixes for IPv4 and for IPv6
	ipc      bool
}

// ParseAddressSet makes a set of addresses, such as "192.0.2.7" and "2001:db8::7", and
// of prefixes, such as "10.0.0.0/8" and "2001:db8::/32". IPv4 within IPv6,
// "::ffff:192.0.2.7", is IPv4, wherever it stands. "ipc" is every peer over ipc: such
// peers have no IP address and are in no prefix. Who they are is for the permissions of
// the endpoint, and for Config.IPC.
//
// The error wraps ErrInvalid and names what cannot be understood; "10.0.0.1/8", where
// the address goes on behind its prefix, is one: it is either too much or too little.
func ParseAddressSet(list ...string) (*AddressSet, error) {
	s := &AddressSet{prefixes: make(map[netip.Prefix]bool)}
	for _, text := range list {
		if text == addressIPC {
			s.ipc = true
			continue
		}
		prefix, err := parsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("zmq: address %.60q: %w: %w", text, ErrInvalid, err)
		}
		s.prefixes[prefix] = true
		if lengths := &s.lengths[family(prefix.Addr())]; !slices.Contains(*lengths, prefix.Bits()) {
			*lengths = append(*lengths, prefix.Bits())
		}
	}
	return s, nil
}

// parsePrefix reads an address or a prefix. IPv4 within IPv6 becomes IPv4.
func parsePrefix(text string) (netip.Prefix, error) {
	var prefix netip.Prefix
	if strings.Contains(text, "/") {
		var err error
		if prefix, err = netip.ParsePrefix(text); err != nil {
			return netip.Prefix{}, err
		}
	} else {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		if addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("zones are not told apart, leave %q out", addr.Zone())
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	const mapped = 96 // bits before the IPv4 address
	if addr := prefix.Addr(); addr.Is4In6() {
		if prefix.Bits() < mapped {
			return netip.Prefix{}, fmt.Errorf("a prefix of IPv4 within IPv6 is /%d or longer", mapped)
		}
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-mapped)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, fmt.Errorf("the prefix is %v, the address %v", masked, prefix.Addr())
	}
	return prefix, nil
}

// family is an index.
func family(addr netip.Addr) int {
	if addr.Is4() {
		return 0
	}
	return 1
}

// Contains reports whether address, as in Applicant and PeerInfo, is in the set.
func (s *AddressSet) Contains(address string) bool {
	in, _ := s.look(address)
	return in
}

// look also reports whether address can be understood at all.
func (s *AddressSet) look(address string) (in, known bool) {
	if isIPC(address) {
		return s.ipc, true
	}
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return false, false
	}
	addr = addr.Unmap().WithZone("")
	for _, bits := range s.lengths[family(addr)] {
		if prefix, err := addr.Prefix(bits); err == nil && s.prefixes[prefix] {
			return true, true
		}
	}
	return false, true
}

// isIPC reports whether an address is that of a peer over ipc: "localhost:" and its user,
// group and process, or nothing where the system does not tell who it is.
func isIPC(address string) bool {
	who, local := strings.CutPrefix(address, ipcUnknown)
	if !local || who == "" {
		return local
	}
	fields := strings.Split(who, ":")
	return len(fields) == 3 && !slices.ContainsFunc(fields, func(f string) bool { return f == "" || strings.Trim(f, "0123456789") != "" })
}

// ipcUnknown is the address of a peer over ipc of which the system does not tell who it
// is.
const ipcUnknown = "localhost:"

// Allow is a policy that lets in who is in the set, and nobody else.
func (s *AddressSet) Allow(_ context.Context, p *Applicant) error {
	if in, _ := s.look(p.place()); !in {
		return fmt.Errorf("%w: %q is not among the addresses that are", ErrDenied, p.Address)
	}
	return nil
}

// Deny is a policy that lets in who is not in the set. A peer whose address is not
// known, or is none of IP or ipc, is not let in: nobody can tell where it is.
func (s *AddressSet) Deny(_ context.Context, p *Applicant) error {
	switch in, known := s.look(p.place()); {
	case in:
		return fmt.Errorf("%w: %q is among the addresses that are not", ErrDenied, p.Address)
	case !known:
		return fmt.Errorf("%w: nobody knows where %q is", ErrDenied, p.Address)
	}
	return nil
}

// place is the address of a peer, of one over ipc also where the system does not tell
// who it is.
func (p *Applicant) place() string {
	if p.Address == "" && strings.HasPrefix(p.Endpoint, "ipc://") {
		return ipcUnknown
	}
	return p.Address
}
