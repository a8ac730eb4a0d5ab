package tls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"zeromux/internal/filemark"
	"zeromux/transport"
)

// clientOf is the configuration that files make for connections that we open.
func clientOf(t *transport.TLS) (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName}
	var err error
	if config.Certificates, err = pair(t); err != nil {
		return nil, err
	}
	if t.CAFile != "" {
		config.RootCAs, err = authorities("CAFile", t.CAFile)
	}
	return config, err
}

// serverOf is the configuration that files make for connections that come in.
func serverOf(t *transport.TLS) (*tls.Config, error) {
	config := new(tls.Config)
	var err error
	if config.Certificates, err = pair(t); err != nil {
		return nil, err
	}
	if t.ClientCAFile != "" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs, err = authorities("ClientCAFile", t.ClientCAFile)
	}
	return config, err
}

// pair reads the certificate and its key, if there are any.
func pair(t *transport.TLS) ([]tls.Certificate, error) {
	if t.CertFile == "" {
		return nil, nil
	}
	chain, err := read("CertFile", t.CertFile)
	if err != nil {
		return nil, err
	}
	if err := whole("CertFile", t.CertFile, chain); err != nil {
		return nil, err
	}
	key, err := read("KeyFile", t.KeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	certificate, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, wrong("CertFile, TLS.KeyFile", err.Error())
	}
	return []tls.Certificate{certificate}, nil
}

// authorities reads certificates, of which there must be one at least, and all good.
func authorities(option, name string) (*x509.CertPool, error) {
	text, err := read(option, name)
	if err != nil {
		return nil, err
	}
	if err := whole(option, name, text); err != nil {
		return nil, err
	}
	pool, some := x509.NewCertPool(), false
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, wrong(option, name+": "+err.Error())
		}
		pool.AddCert(certificate)
		some = true
	}
	if !some {
		return nil, wrong(option, name+": there is no certificate in it")
	}
	return pool, nil
}

// whole refuses text that has a block of PEM which cannot be read, such as the last one
// of a file that is still being written: pem.Decode passes over it, and what it holds
// would be missing without a word.
func whole(option, name string, text []byte) error {
	begun, ended, read := 0, 0, 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("-----BEGIN ")) {
			begun++
		}
		if bytes.HasPrefix(line, []byte("-----END ")) {
			ended++
		}
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		read++
	}
	if read != max(begun, ended) {
		return wrong(option, fmt.Sprintf("%s: of %d blocks of PEM only %d can be read", name, max(begun, ended), read))
	}
	return nil
}

// maxFile bounds a file, in octets. The authorities of a system take some 250 KiB.
const maxFile = 16 << 20

// read reads the file of an option.
func read(option, name string) ([]byte, error) {
	text, _, err := filemark.Read(name, maxFile)
	switch {
	case errors.Is(err, filemark.ErrUnfit):
		return nil, wrong(option, err.Error())
	case err != nil:
		return nil, fmt.Errorf("tls: option TLS.%s: %w", option, err)
	}
	return text, nil
}

// interval is how long what was read of a listener's files counts before a handshake
// looks at them again. Tests have others.
var interval = time.Second

// patience is how long a handshake waits for the files, and for the log that hears of
// them: no deadline of its connection ends that.
const patience = time.Second

// kept is the configuration that files make for a listener, made anew when one of
// them has changed: certificates are renewed while their servers run.
type kept struct {
	files    transport.TLS
	follower filemark.Follower
	config   atomic.Pointer[tls.Config]
	seen     [3]filemark.Mark // the files as they were when config was made; none where they could not be used since; guarded by the follower
}

// listening returns a configuration that follows the files of o.
func listening(o *transport.Options) (*tls.Config, error) {
	k := &kept{files: o.TLS, follower: filemark.Follower{
		Interval: interval, Logger: o.Logger,
		Unfit: "certificates of a listener cannot be used as they are, what was read before counts",
		Fit:   "certificates of a listener can be used again",
	}}
	if err := k.read(); err != nil {
		return nil, err
	}
	config := k.config.Load().Clone() // it has the keys of tickets, which stay the same
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return k.current(), nil }
	return config, nil
}

// current is the configuration for the next handshake. While another one looks at the
// files, or waits for them, it is what it was.
func (k *kept) current() *tls.Config {
	k.follower.FollowFor(patience, k.read)
	return k.config.Load()
}

// read reads the files if one of them has changed. Files that do not go together, or
// are not there, are perhaps in the middle of being changed: until they can be used the
// configuration stays as it is, and each look reads them.
func (k *kept) read() error {
	then := time.Now()
	found := k.look()
	same := true
	for i, was := range k.seen {
		same = same && was.Holds(found[i])
	}
	if same {
		return nil
	}
	config, err := serverOf(&k.files)
	if err != nil {
		k.seen = [3]filemark.Mark{}
		return err
	}
	for i, info := range found {
		k.seen[i] = k.seen[i].Next(info, then)
	}
	k.config.Store(config)
	return nil
}

// look finds out about the files.
func (k *kept) look() (found [3]os.FileInfo) {
	for i, name := range []string{k.files.CertFile, k.files.KeyFile, k.files.ClientCAFile} {
		if info, err := os.Stat(name); err == nil {
			found[i] = info
		}
	}
	return found
}
