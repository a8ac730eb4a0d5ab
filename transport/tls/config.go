package tls

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"zeromux/transport"
)

// CheckOptions refuses options that contradict each other. It opens no file. Errors
// wrap ErrInvalid.
func CheckOptions(o *transport.Options) error { return check(&o.TLS) }

func check(t *transport.TLS) error {
	byFiles := *t
	byFiles.Config = nil
	switch {
	case t.Config != nil && byFiles != transport.TLS{}:
		return wrong("Config", "it goes with no other field of TLS")
	case t.CertFile != "" && t.KeyFile == "":
		return wrong("KeyFile", "the certificate of CertFile has a key")
	case t.KeyFile != "" && t.CertFile == "":
		return wrong("CertFile", "the key of KeyFile is that of a certificate")
	}
	return nil
}

// wrong says what is the matter with an option.
func wrong(option, why string) error {
	return fmt.Errorf("tls: option TLS.%s: %w: %s", option, transport.ErrInvalid, why)
}

// client is the configuration of a connection to host.
func client(t *transport.TLS, host string) (*tls.Config, error) {
	if err := check(t); err != nil {
		return nil, err
	}
	config := t.Config
	if config == nil {
		var err error
		if config, err = clientOf(t); err != nil {
			return nil, err
		}
	}
	if !config.InsecureSkipVerify { // or else the application verifies by itself, or wants nobody verified
		switch {
		case config.RootCAs == nil && !hasSystemRoots():
			return nil, wrong("CAFile", "no authority could verify a server: it names none, and the system has none")
		case config.RootCAs != nil && isEmpty(config.RootCAs):
			return nil, wrong("Config.RootCAs", "no authority could verify a server: it is empty")
		case config.ServerName == "" && host == "":
			return nil, wrong("ServerName", "no name could be verified: it is empty, and the address has no host")
		}
	}
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	return config, nil
}

// server is the configuration of a listener.
func server(o *transport.Options) (*tls.Config, error) {
	t := &o.TLS
	if err := check(t); err != nil {
		return nil, err
	}
	config := t.Config
	switch {
	case config == nil && t.CertFile == "":
		return nil, wrong("CertFile", "a listener has a certificate, and neither it nor Config names one")
	case config == nil:
		return listening(o)
	case config.GetConfigForClient != nil: // only it knows
		return config, nil
	case len(config.Certificates) == 0 && config.GetCertificate == nil:
		return nil, wrong("Config", "a listener has a certificate, and it has neither Certificates nor GetCertificate")
	case config.ClientAuth >= tls.VerifyClientCertIfGiven && (config.ClientCAs == nil || isEmpty(config.ClientCAs)):
		// crypto/tls would admit whoever has a certificate of any authority that the
		// system trusts with servers.
		return nil, wrong("Config.ClientCAs", "certificates of clients are to be verified, and it names no authority")
	}
	return config, nil
}

func isEmpty(pool *x509.CertPool) bool { return pool.Equal(x509.NewCertPool()) }

// hasSystemRoots reports whether the system trusts anybody.
func hasSystemRoots() bool {
	pool, err := x509.SystemCertPool()
	return err == nil && !isEmpty(pool)
}
