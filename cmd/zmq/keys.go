package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"zeromux/zmq"
)

// keysCmd is about keys of CURVE.
type keysCmd struct {
	New    keysNewCmd    `cmd:"" help:"Make a pair of keys."`
	Public keysPublicCmd `cmd:"" help:"Print the public key that belongs to a secret one."`
}

// keysNewCmd makes a pair of keys.
type keysNewCmd struct {
	File  string   `arg:"" optional:"" help:"Write certificates: FILE is the public one, FILE_secret the secret one, which only you may read."`
	Meta  []string `short:"m" sep:"none" placeholder:"NAME=VALUE" help:"A property of the owner, such as name=Ada, to stand in both files. May be repeated."`
	Force bool     `help:"Replace files that are there: the old secret key is lost."`
}

// Help is what --help adds.
func (c *keysNewCmd) Help() string {
	return "With FILE the public key is printed; without, both are: public and secret, a line each, as 40 characters of " +
		"Z85. CZMQ and pyzmq read the files."
}

// Run implements the command.
func (c *keysNewCmd) Run() error {
	metadata, err := readMeta(c.Meta)
	if err != nil {
		return err
	}
	public, secret, err := zmq.NewCurveKeyPair()
	if err != nil {
		return err
	}
	if c.File == "" {
		if c.Force || len(metadata) > 0 {
			return usagef("--meta and --force are for a FILE")
		}
		return printLines("public "+public.String(), "secret "+secret.Z85())
	}
	if isKey(c.File) {
		return usagef(noFile)
	}
	if strings.HasSuffix(c.File, zmq.SecretSuffix) {
		return usagef("FILE is the public certificate, whose name does not end in %s", zmq.SecretSuffix)
	}
	certificate := zmq.CurveCertificate{PublicKey: public, SecretKey: secret, Metadata: metadata}
	save := certificate.SaveNew
	if c.Force {
		save = certificate.Save
	}
	if err := save(c.File); err != nil {
		return hintForce(err)
	}
	return printLines(public.String())
}

// keysPublicCmd prints the public key of a secret one.
type keysPublicCmd struct {
	File    string `arg:"" optional:"" help:"A certificate, secret or public. Without it a secret key is read from standard input: 40 characters of Z85 on a line."`
	Save    string `placeholder:"FILE" help:"Write a public certificate too, with the properties of the other. It replaces no secret one."`
	Force   bool   `help:"Replace the FILE of --save if it is there."`
	Exposed bool   `help:"Read a secret certificate although others than its owner may read it."`
}

// Run implements the command.
func (c *keysPublicCmd) Run(ctx context.Context) error {
	if c.Save != "" {
		if err := c.check(); err != nil {
			return err
		}
	}
	certificate, err := c.read(ctx)
	if err != nil {
		return err
	}
	if c.Save != "" {
		if err := c.save(certificate); err != nil {
			return hintForce(err)
		}
	}
	return printLines(certificate.PublicKey.String())
}

// check refuses a --save that would be a secret certificate, and what replaces one.
func (c *keysPublicCmd) check() error {
	if isKey(c.Save) {
		return usagef("--save: %s", noFile)
	}
	if strings.HasSuffix(c.Save, zmq.SecretSuffix) {
		return usagef("--save writes a public certificate, whose name does not end in %s", zmq.SecretSuffix)
	}
	if there, err := zmq.LoadExposedCurveCertificate(c.Save); err == nil && !there.SecretKey.IsZero() {
		return usagef("--save %s: there is a secret key in it, which would be lost", c.Save)
	}
	return nil
}

// save writes the public certificate.
func (c *keysPublicCmd) save(certificate *zmq.CurveCertificate) error {
	if c.Force {
		return certificate.SavePublic(c.Save)
	}
	return certificate.SavePublicNew(c.Save)
}

// read is the certificate that the arguments name, or one that is made of a key.
func (c *keysPublicCmd) read(ctx context.Context) (*zmq.CurveCertificate, error) {
	if c.File != "" {
		if isKey(c.File) {
			return nil, usagef("%s; type it without an argument, where others do not see it", noFile)
		}
		return loadCertificate(c.File, c.Exposed)
	}
	line, err := readSecret(ctx, "Secret key: ", false)
	if err != nil {
		return nil, err
	}
	key, err := zmq.ParseCurveSecretKey(line)
	if err != nil {
		return nil, err
	}
	return &zmq.CurveCertificate{PublicKey: key.PublicKey(), SecretKey: key}, nil
}

// readMeta reads NAME=VALUE.
func readMeta(list []string) (map[string]string, error) {
	metadata := make(map[string]string)
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if _, again := metadata[name]; !ok || again {
			return nil, usagef("--meta %q: not NAME=VALUE, or the name for the second time", text)
		}
		metadata[name] = value
	}
	return maps.Clone(metadata), nil
}

// hintForce says of a file that is there what replaces it.
func hintForce(err error) error {
	var there *fs.PathError
	if errors.Is(err, fs.ErrExist) && errors.As(err, &there) {
		return fmt.Errorf("%s is there already; --force replaces it", there.Path)
	}
	return err
}

// printLines writes lines to standard output.
func printLines(lines ...string) error {
	if _, err := fmt.Println(strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
