package transport

import (
	"strconv"
	"strings"
)

// The grammar of what transports are told to open. Everything here is pure:
// nothing is looked up. Addresses of the internet family read
//
//	endpoint = scheme "://" address
//	address  = [ end ";" ] end          ; source, then destination
//	end      = host ":" port            ; the last colon divides them
//	host     = "*" | name | IPv4 | IPv6 [ "%" zone ] | "[" host "]"
//	port     = "*" | number up to 65535
//
// which is libzmq's, except that a port out of range or followed by anything is
// an error here, where libzmq takes it modulo 65536 and skips the rest.

// SplitEndpoint divides "scheme://address" at the first "://". Whether the
// scheme exists is for the caller to say. An error wraps ErrInvalid.
func SplitEndpoint(endpoint string) (scheme, address string, err error) {
	scheme, address, found := strings.Cut(endpoint, "://")
	switch {
	case !found:
		return "", "", invalid(endpoint, `an endpoint reads "scheme://address"`)
	case scheme == "":
		return "", "", invalid(endpoint, `there is no scheme before "://"`)
	case address == "":
		return "", "", invalid(endpoint, `there is no address after "://"`)
	}
	return scheme, address, nil
}

// HostPort is one end of an internet address, as written.
// The zero value stands for an end that was not given.
type HostPort struct {
	// Host is a name, a literal without brackets, or "*"; an IPv6 literal may
	// carry "%" and a zone. It may be empty where libzmq lets it be.
	Host string

	// Port is 0 where "*" was written: any.
	Port uint16
}

// AnyHost is the Host that stands for every address of this machine.
const AnyHost = "*"

// String writes h as ParseBind reads it.
func (h HostPort) String() string {
	host := h.Host
	if strings.Contains(host, ":") || isBracketed(host) {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(h.Port))
}

// IsZero says that this end was not given.
func (h HostPort) IsZero() bool { return h == HostPort{} }

// ParseBind reads an address to bind: "host:port", where both may be "*". What
// stands before a semicolon is a source address; binding has no use for it, but
// it must be well formed too. Errors wrap ErrInvalid, or ErrNoDevice if there is
// no host.
func ParseBind(address string) (source, local HostPort, err error) {
	before, after, found := cutLast(address, ';')
	if found {
		if source, err = parseEnd(address, before, anyPort); err != nil {
			return HostPort{}, HostPort{}, err
		}
	}
	if local, err = parseEnd(address, after, anyPort); err != nil {
		return HostPort{}, HostPort{}, err
	}
	if local.Host == "" || (found && source.Host == "") {
		return HostPort{}, HostPort{}, &AddressError{Address: address, Why: "there is no host to bind to", Kind: ErrNoDevice}
	}
	return source, local, nil
}

// ParseConnect reads an address to connect to: "host:port", before which
// "host:port;" may name the local end, in the form of ParseBind. The
// destination is checked letter by letter and never resolved, so that one which
// cannot exist may pass. Errors wrap ErrInvalid.
func ParseConnect(address string) (source, destination HostPort, err error) {
	before, after, found := cutLast(address, ';')
	if found {
		if source, err = parseEnd(address, before, anyPort); err != nil {
			return HostPort{}, HostPort{}, err
		}
		if source.Host == "" {
			return HostPort{}, HostPort{}, invalid(address, "there is no host before the semicolon")
		}
	}
	switch {
	case strings.HasPrefix(after, AnyHost):
		return HostPort{}, HostPort{}, invalid(address, `"*" is no host to connect to`)
	case after != "" && !isAlphanumeric(after[0]) && after[0] != '[' && after[0] != ':':
		return HostPort{}, HostPort{}, invalid(address, "a host begins with a letter, a digit or a bracket")
	}
	for i := range len(address) {
		if c := address[i]; !isAlphanumeric(c) && !strings.ContainsRune(".:%;_*-[]", rune(c)) {
			return HostPort{}, HostPort{}, invalid(address, strconv.QuoteRuneToASCII(rune(c))+" cannot stand in an address")
		}
	}
	if destination, err = parseEnd(address, after, numericPort); err != nil {
		return HostPort{}, HostPort{}, err
	}
	return source, destination, nil
}

// portRule says which ports an end may have.
type portRule bool

const (
	numericPort portRule = false // a number
	anyPort     portRule = true  // a number or "*"
)

// parseEnd reads one "host:port" of address.
func parseEnd(address, end string, rule portRule) (HostPort, error) {
	host, port, found := cutLast(end, ':')
	if !found {
		return HostPort{}, invalid(address, "there is no port")
	}
	if isBracketed(host) {
		host = host[1 : len(host)-1]
	}
	switch {
	case port == "":
		return HostPort{}, invalid(address, "there is no port after the last colon")
	case port == "*" && rule == anyPort:
		return HostPort{Host: host}, nil
	case port == "*":
		return HostPort{}, invalid(address, `"*" is no port to connect to`)
	}
	n, err := parsePort(port)
	if err != "" {
		return HostPort{}, invalid(address, err)
	}
	return HostPort{Host: host, Port: n}, nil
}

// parsePort reads decimal digits, and says in words what is wrong with them.
func parsePort(s string) (n uint16, why string) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, "port " + strconv.Quote(s) + " is not a number"
		}
	}
	v, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, "port " + s + " is above 65535"
	}
	return uint16(v), ""
}

// cutLast divides s at the last sep. Without one, after is the whole of s.
func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

func isBracketed(s string) bool {
	return len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']'
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func invalid(address, why string) error {
	return &AddressError{Address: address, Why: why, Kind: ErrInvalid}
}
