package filemark

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAMarkHoldsOnceAnotherChangeWouldShow(t *testing.T) {
	now := time.Now()
	name := filepath.Join(t.TempDir(), "f")
	at := func(text string, changed time.Duration) fs.FileInfo {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, now, now.Add(changed)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	old, fresh, future := at("old", -time.Minute), at("new", -time.Second), at("far", time.Hour)
	longer := at("longer", -time.Minute)
	for _, test := range []struct {
		name  string
		looks []fs.FileInfo // a second after each other
		then  fs.FileInfo
		holds bool
	}{
		{"one that was not looked at", nil, old, false},
		{"none that was not looked at", nil, nil, false},
		{"an old one", []fs.FileInfo{old}, old, true},
		{"one that has just changed", []fs.FileInfo{fresh}, fresh, false},
		{"one that has changed, looked at again", []fs.FileInfo{fresh, fresh, fresh}, fresh, true},
		{"one from the future", []fs.FileInfo{future, future, future}, future, false},
		{"one from the future that stays so", []fs.FileInfo{future, future, future, future}, future, true},
		{"one from the future that was another", []fs.FileInfo{old, future, future, future}, future, false},
		{"another time", []fs.FileInfo{old}, fresh, false},
		{"another size", []fs.FileInfo{old}, longer, false},
		{"none as before", []fs.FileInfo{nil}, nil, true},
		{"none any more", []fs.FileInfo{old}, nil, false},
		{"one that was not there", []fs.FileInfo{nil}, old, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m Mark
			for i, info := range test.looks {
				m = m.Next(info, now.Add(time.Duration(i)*time.Second))
			}
			if got := m.Holds(test.then); got != test.holds {
				t.Errorf("holds: %v, want %v", got, test.holds)
			}
		})
	}
}
