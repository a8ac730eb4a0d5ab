package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A store is a folder with a file for each request.
type store struct {
	folder string
	mu     sync.Mutex // held by who changes a file
}

// A record is what a file holds.
type record struct {
	Service string
	Request [][]byte
	Done    bool
	Reply   [][]byte // when it is done
}

const suffix = ".json"

// newID makes the id of a request: 16 random octets in hexadecimal.
func newID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// path is the file of a request. An id comes from strangers: what is none of ours
// names no file.
func (s *store) path(id string) (string, error) {
	if b, err := hex.DecodeString(id); err != nil || len(b) != 16 {
		return "", fs.ErrNotExist
	}
	return filepath.Join(s.folder, strings.ToLower(id)+suffix), nil
}

// add keeps a request.
func (s *store) add(id string, r record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(id, r)
}

// finish keeps the reply to a request, unless that was removed meanwhile.
func (s *store) finish(id string, reply [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.get(id)
	if err != nil {
		return err
	}
	r.Done, r.Reply = true, reply
	return s.put(id, r)
}

// put makes a file that is whole or not there at all: it is written under another name,
// brought to the disk, and then renamed.
func (s *store) put(id string, r record) error {
	path, err := s.path(id)
	if err != nil {
		return err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.folder, "new")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if folder, err := os.Open(s.folder); err == nil { // the name has to reach the disk as well
		_ = folder.Sync() // not every system can
		folder.Close()
	}
	return nil
}

// get returns fs.ErrNotExist for an id that nobody knows.
func (s *store) get(id string) (r record, err error) {
	path, err := s.path(id)
	if err != nil {
		return record{}, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return record{}, err
	}
	return r, json.Unmarshal(b, &r)
}

// remove forgets a request, known or not.
func (s *store) remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := s.path(id)
	if err == nil {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// all returns the ids of all requests, done or not.
func (s *store) all() (ids []string, err error) {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if id, ours := strings.CutSuffix(entry.Name(), suffix); ours {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
