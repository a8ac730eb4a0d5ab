package zmq_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"time"

	"zeromux/zmq"
)

// A server and its client prove to each other who they are. Certificates come from an
// authority of one's own here; in files of PEM they would be named by CertFile and
// KeyFile, and authorities by CAFile and ClientCAFile.
func ExampleTLS() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	issue, authority := newAuthority()

	server, err := zmq.NewSocket(zmq.REP, &zmq.Config{TLS: zmq.TLS{Config: &tls.Config{
		Certificates: []tls.Certificate{issue("localhost")},
		ClientCAs:    authority, ClientAuth: tls.RequireAndVerifyClientCert,
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	endpoint, err := server.Bind("tls+tcp://127.0.0.1:*")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for m, err := range server.Messages(ctx) {
			if err != nil {
				log.Fatal(err)
			}
			who := m.Peer().Certificates()[0].Subject.CommonName
			if err := server.SendString(ctx, "hello, "+who); err != nil {
				log.Fatal(err)
			}
		}
	}()

	client, err := zmq.NewSocket(zmq.REQ, &zmq.Config{TLS: zmq.TLS{Config: &tls.Config{
		Certificates: []tls.Certificate{issue("alice")},
		RootCAs:      authority,
		ServerName:   "localhost", // or the host of the endpoint
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Connect(endpoint); err != nil {
		log.Fatal(err)
	}
	if err := client.SendString(ctx, "who am I?"); err != nil {
		log.Fatal(err)
	}
	m, err := client.Recv(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m)
	// Output: hello, alice
}

// newAuthority makes an authority that lives as long as the program, and what issues
// its certificates.
func newAuthority() (issue func(name string) tls.Certificate, authority *x509.CertPool) {
	sign := func(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
		raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
		if err != nil {
			log.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(raw)
		if err != nil {
			log.Fatal(err)
		}
		return certificate
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			log.Fatal(err)
		}
		return key
	}
	own := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "our authority"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root := sign(template, template, own, own)
	authority = x509.NewCertPool()
	authority.AddCert(root)
	serial := int64(1)
	return func(name string) tls.Certificate {
		serial++
		key := newKey()
		leaf := sign(&x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, root, key, own)
		return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	}, authority
}
