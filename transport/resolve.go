package transport

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Local finds the addresses of this machine that h names, best first, in the
// order that libzmq 4.3.6 tries: any, a literal, an interface, a host name.
// With ipv6 every answer is an IPv6 address, IPv4 being written ::ffff:a.b.c.d;
// without, none is. There is at least one when err is nil. Errors wrap
// ErrNoDevice, or ErrInvalid for a zone that does not exist.
func (h HostPort) Local(ctx context.Context, ipv6 bool) ([]netip.AddrPort, error) {
	if h.Host == AnyHost {
		return h.withPort(ipv6, unspecified(ipv6)), nil
	}
	if addr, ok, err := h.literal(ipv6); err != nil {
		return nil, err
	} else if ok {
		return h.withPort(ipv6, addr), nil
	}
	addrs, known := interfaceAddrs(h.Host)
	if !known {
		var err error
		if addrs, err = h.lookup(ctx, ipv6); err != nil {
			return nil, err
		}
	}
	if found := h.withPort(ipv6, addrs...); len(found) > 0 {
		return found, nil
	}
	return nil, h.noDevice("it has no address of the wanted family", nil)
}

// Remote returns what to hand to a dialer: "address:port" for a literal,
// "name:port" for a name, which is not resolved. Errors wrap ErrNoDevice if h
// can be neither, or is an IPv6 address and ipv6 is false, and ErrInvalid for a
// zone that does not exist.
func (h HostPort) Remote(ipv6 bool) (string, error) {
	addr, ok, err := h.literal(ipv6)
	switch {
	case err != nil:
		return "", err
	case ok:
		return netip.AddrPortFrom(addr, h.Port).String(), nil
	case !isHostName(h.Host):
		return "", h.noDevice("this is neither an address nor a host name", nil)
	}
	return net.JoinHostPort(h.Host, strconv.Itoa(int(h.Port))), nil
}

// literal reads h's host as a numeric address with an optional zone.
// It returns false if the host is something else.
func (h HostPort) literal(ipv6 bool) (addr netip.Addr, ok bool, err error) {
	host, zone, hasZone := strings.Cut(h.Host, "%")
	addr, err = netip.ParseAddr(host)
	switch {
	case err != nil && hasZone:
		return netip.Addr{}, false, h.invalid("only an IPv6 address can have a zone")
	case err != nil:
		return netip.Addr{}, false, nil
	case !hasZone:
	case addr.Is4() || addr.Is4In6():
		return netip.Addr{}, false, h.invalid("only an IPv6 address can have a zone")
	case !isZone(zone):
		return netip.Addr{}, false, h.invalid("zone " + strconv.Quote(zone) + " is neither an interface nor a number")
	default:
		addr = addr.WithZone(zone)
	}
	if addr.Is6() && !ipv6 {
		return netip.Addr{}, false, h.noDevice("this is an IPv6 address, and IPv6 is off", nil)
	}
	return addr, true, nil
}

// lookup asks the resolver for h's host.
func (h HostPort) lookup(ctx context.Context, ipv6 bool) ([]netip.Addr, error) {
	if !isHostName(h.Host) {
		return nil, h.noDevice("this is neither an address, nor an interface, nor a host name", nil)
	}
	network := "ip4"
	if ipv6 {
		network = "ip"
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, h.Host)
	if err != nil {
		return nil, h.noDevice("no interface and no host has this name", err)
	}
	return addrs, nil
}

// withPort turns addresses of the wanted family into addresses with h's port:
// all of them with ipv6, genuine ones first; the IPv4 ones without.
func (h HostPort) withPort(ipv6 bool, addrs ...netip.Addr) []netip.AddrPort {
	var wanted, mapped []netip.AddrPort
	for _, a := range addrs {
		a = a.Unmap()
		switch {
		case a.Is4() && ipv6:
			mapped = append(mapped, netip.AddrPortFrom(netip.AddrFrom16(a.As16()), h.Port))
		case a.Is4() != ipv6:
			wanted = append(wanted, netip.AddrPortFrom(a, h.Port))
		}
	}
	return append(wanted, mapped...)
}

func (h HostPort) invalid(why string) error {
	return invalid(h.String(), why)
}

func (h HostPort) noDevice(why string, cause error) error {
	return &AddressError{Address: h.String(), Why: why, Kind: ErrNoDevice, Cause: cause}
}

func unspecified(ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// interfaceAddrs returns the addresses of a network interface, in the system's
// order. It returns false if there is no such interface.
func interfaceAddrs(name string) (addrs []netip.Addr, known bool) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, false
	}
	prefixes, err := ifi.Addrs()
	if err != nil {
		return nil, false
	}
	for _, p := range prefixes {
		ipnet, ok := p.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(ipnet.IP)
		if !ok {
			continue
		}
		addr = addr.Unmap()
		if addr.Is6() && addr.IsLinkLocalUnicast() {
			addr = addr.WithZone(ifi.Name)
		}
		addrs = append(addrs, addr)
	}
	return addrs, true
}

// isZone says whether s is the name of an interface or a positive number.
func isZone(s string) bool {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return n > 0
	}
	_, err := net.InterfaceByName(s)
	return err == nil
}

// isHostName says whether s could be a name for the resolver. It keeps half a
// literal, or nothing at all, from being taken for one.
func isHostName(s string) bool {
	if s == "" || len(s) > 254 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
