package zmq

import "testing"

// A program may make a socket for every message: what its keys take to compute is spent
// once.
func TestKeysAreComputedOnceForAllSocketsOfASecret(t *testing.T) {
	public, secret, err := NewCurveKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	one, _, _ := NewCurveKeyPair()
	another, _, _ := NewCurveKeyPair()
	keys := func(c Curve) any {
		t.Helper()
		c.SecretKey = secret
		if err := (&Security{Curve: c}).check(false); err != nil {
			t.Fatal(err)
		}
		k, err := c.keys()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	client := keys(Curve{PublicKey: public, ServerKey: one})
	if again := keys(Curve{PublicKey: public, ServerKey: one}); again != client {
		t.Error("a client's keys are computed again")
	}
	if other := keys(Curve{PublicKey: public, ServerKey: another}); other == client {
		t.Error("a client of another server has the same keys")
	}
	server := keys(Curve{Server: true})
	if again := keys(Curve{Server: true, PublicKey: public}); again != server || server == client {
		t.Error("a server's keys are computed again, or are a client's")
	}
	if wrong := (&Security{Curve: Curve{Server: true, PublicKey: another, SecretKey: secret}}).check(false); wrong == nil {
		t.Error("another's public key is taken because the right one is known")
	}
}
