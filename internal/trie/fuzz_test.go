package trie

import (
	"strings"
	"testing"
)

// FuzzTrie reads its input as a run of calls, makes each on the trie and on the
// slow list, and compares. An operation is three octets and a topic: what to do,
// for whom, how long the topic is.
func FuzzTrie(f *testing.F) {
	f.Add([]byte("a\x00\x01xa\x01\x01xm\x00\x02xy"))
	f.Add([]byte("a\x00\x00a\x00\x03abca\x00\x03abdr\x00\x03abcv\x00\x00m\x00\x04abdz"))
	f.Add([]byte("A\x01\x01yA\x01\x00a\x02\x02zzm\x01\x03zzzR\x01\x01yv\x02\x00"))
	f.Add([]byte("M\x01\x00A\x00\x01\x00A\x00\x01\xffA\x01\x01\x80r\x00\x00v\x01\x00v\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &pair{TB: t}
		for len(in) >= 3 && len(p.model) < 60 {
			what, who, size := in[0], int(in[1]%8), min(int(in[2]), len(in)-3)
			topic := string(in[3 : 3+size])
			in = in[3+size:]
			if what >= 'A' && what <= 'Z' { // a capital stands for a topic of several nodes
				topic = strings.Repeat("x", maxLabel-2+int(what)*who) + topic
				what += 'a' - 'A'
			}
			switch what {
			case 'r':
				p.remove(topic, who)
			case 'v':
				p.removeValue(who)
			case 'm':
				p.match(topic)
			default:
				p.add(topic, who)
			}
		}
		p.check()
		for v := range 8 {
			p.removeValue(v)
		}
		p.check()
	})
}
