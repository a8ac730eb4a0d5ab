package pattern

import (
	"slices"
	"strings"
	"testing"
)

func TestTypesHaveTheNumbersAndPeersOfTheProtocol(t *testing.T) {
	cases := []struct {
		name  string
		typ   Type
		peers string
	}{
		{"PAIR", 0, "PAIR"},
		{"PUB", 1, "SUB XSUB"},
		{"SUB", 2, "PUB XPUB"},
		{"REQ", 3, "REP ROUTER"},
		{"REP", 4, "REQ DEALER"},
		{"DEALER", 5, "REP DEALER ROUTER"},
		{"ROUTER", 6, "REQ DEALER ROUTER"},
		{"PULL", 7, "PUSH"},
		{"PUSH", 8, "PULL"},
		{"XPUB", 9, "SUB XSUB"},
		{"XSUB", 10, "PUB XPUB"},
		{"STREAM", 11, ""},
	}
	for _, c := range cases {
		row, ok := Lookup(c.typ)
		if !ok || row.Type != c.typ || row.Name != c.name || strings.Join(row.Peers, " ") != c.peers {
			t.Errorf("Lookup(%d) = %+v, %v", c.typ, row, ok)
		}
		if same, _ := LookupName(c.name); same != row {
			t.Errorf("LookupName(%q) = %+v", c.name, same)
		}
	}
	for _, typ := range []Type{-1, Type(len(cases)), 1 << 30} {
		if row, ok := Lookup(typ); ok {
			t.Errorf("Lookup(%d) = %+v", typ, row)
		}
	}
	for _, name := range []string{"", "req", "REQ ", "XREQ"} {
		if row, ok := LookupName(name); ok {
			t.Errorf("LookupName(%q) = %+v", name, row)
		}
	}
}

func TestPeersAreLegalFromBothSides(t *testing.T) {
	for i := range rows {
		for _, name := range rows[i].Peers {
			other, ok := LookupName(name)
			if !ok || !slices.Contains(other.Peers, rows[i].Name) {
				t.Errorf("%s may talk to %s, but not the other way round", rows[i].Name, name)
			}
		}
	}
}

// which lists the types for which is holds.
func which(is func(*Row) bool) string {
	var names []string
	for i := range rows {
		if is(&rows[i]) {
			names = append(names, rows[i].Name)
		}
	}
	return strings.Join(names, " ")
}

func TestRowsSayWhatATypeIs(t *testing.T) {
	cases := []struct {
		name string
		is   func(*Row) bool
		want string
	}{
		{"cannot send", func(r *Row) bool { return !r.Sends }, "SUB PULL"},
		{"cannot receive", func(r *Row) bool { return !r.Receives }, "PUB PUSH"},
		{"announce a routing id", func(r *Row) bool { return r.AnnouncesID }, "REQ DEALER ROUTER"},
		{"put the routing id in front", func(r *Row) bool { return r.PrependsID }, "ROUTER STREAM"},
		{"act on subscriptions", func(r *Row) bool { return r.Publisher }, "PUB XPUB"},
		{"may conflate", func(r *Row) bool { return r.Conflates }, "PUB SUB DEALER PULL PUSH"},
		{"connect once to an endpoint", func(r *Row) bool { return r.OneConnect }, "PUB SUB REQ DEALER"},
		{"do not linger", func(r *Row) bool { return r.NoLinger }, "SUB XSUB"},
		{"are raw", func(r *Row) bool { return r.Raw }, "STREAM"},
		{"need both locks throughout", func(r *Row) bool { return r.Lockstep }, "REQ REP XPUB"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := which(c.is); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		})
	}
}

// TestOnlyTypesThatAddNothingMayBePassedBy names the types past which the socket
// reads or writes: those that add anything to a message, or to whose turn it is,
// must not be among them, whatever they embed, and of those that receive only one
// chooses.
func TestOnlyTypesThatAddNothingMayBePassedBy(t *testing.T) {
	cases := []struct {
		name string
		is   func(Pattern) bool
		want string
	}{
		{"receiving", func(p Pattern) bool { _, is := p.(FairReceiver); return is }, "SUB DEALER PULL"},
		{"choosing", func(p Pattern) bool { _, is := p.(Selective); return is }, "SUB"},
		{"sending", func(p Pattern) bool { _, is := p.(Soloist); return is }, "PAIR DEALER PUSH"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := which(func(r *Row) bool { return c.is(newRig(t, r.Type, nil).Pattern) }); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
