package zmq

import "testing"

// Who is about to sleep does not when there is word, wherever that falls between its
// last look and its sleep; and word wakes who sleeps, once.
func TestWordKeepsAPollerAwake(t *testing.T) {
	newMarks := func() (*marks, *watch) {
		p := NewPoller()
		return &p.marks, &watch{poller: p}
	}
	rings := func(m *marks) bool { return len(m.bell) == 1 }
	for name, row := range map[string]struct {
		do     func(m *marks, w *watch)
		sleeps bool
	}{
		"no word":                       {func(*marks, *watch) {}, true},
		"word of a socket":              {func(m *marks, w *watch) { m.notice(w) }, false},
		"word that was taken":           {func(m *marks, w *watch) { m.notice(w); m.take(nil) }, true},
		"word that came again":          {func(m *marks, w *watch) { m.notice(w); m.take(nil); m.notice(w) }, false},
		"somebody calls":                {func(m *marks, _ *watch) { m.rouse() }, false},
		"somebody called once before":   {func(m *marks, _ *watch) { m.rouse(); m.rest(nil) }, true},
		"who rose sleeps again":         {func(m *marks, _ *watch) { m.rest(nil); m.rise() }, true},
		"who was called is called once": {func(m *marks, _ *watch) { m.rest(nil); m.rouse(); m.rise() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, w := newMarks()
			row.do(m, w)
			if rings(m) {
				t.Error("the bell rings though nobody sleeps")
			}
			if got := m.rest(nil); got != row.sleeps {
				t.Fatalf("sleeps: %v, want %v", got, row.sleeps)
			}
			if !row.sleeps {
				return
			}
			m.notice(w)
			if !rings(m) {
				t.Error("word does not wake")
			}
			m.rise()
			m.notice(w)
			if rings(m) {
				t.Error("the bell rings though nobody sleeps")
			}
		})
	}
}
