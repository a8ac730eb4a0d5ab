package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"zeromux/zmq"
)

func ExampleNewCurveKeyPair() {
	public, secret, err := zmq.NewCurveKeyPair()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(public.String()), "characters of Z85 for everybody")
	fmt.Println("and for nobody:", secret)
	fmt.Println(secret.PublicKey() == public)
	// Output:
	// 40 characters of Z85 for everybody
	// and for nobody: [secret]
	// true
}

func ExampleParseCurveSecretKey() {
	secret, err := zmq.ParseCurveSecretKey("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")
	fmt.Println(secret.PublicKey(), err)
	_, err = zmq.ParseCurveSecretKey("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh")
	fmt.Println(err)
	// Output:
	// rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7 <nil>
	// invalid argument: a CURVE secret key of 39 octets, must be 32 octets, 40 characters of Z85, or those and a NUL
}

func ExampleCurveCertificate_Save() {
	folder, err := os.MkdirTemp("", "certificates")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	public, secret, err := zmq.NewCurveKeyPair()
	if err != nil {
		fmt.Println(err)
		return
	}
	certificate := zmq.CurveCertificate{PublicKey: public, SecretKey: secret, Metadata: map[string]string{"name": "Ada"}}
	path := filepath.Join(folder, "ada.key")
	if err := certificate.Save(path); err != nil { // and ada.key_secret, mode 0600
		fmt.Println(err)
		return
	}
	read, err := zmq.LoadCurveCertificate(path + zmq.SecretSuffix)
	fmt.Println(read.SecretKey.Equal(secret), read.Metadata["name"], err)
	// Output: true Ada <nil>
}

func ExampleAllOf() {
	office, err := zmq.ParseAddressSet("10.0.0.0/8", "2001:db8::/32", "ipc")
	if err != nil {
		fmt.Println(err)
		return
	}
	policy := zmq.AllOf(office.Allow, zmq.Passwords(map[string]string{"ada": "correct horse"}))

	for _, address := range []string{"10.1.2.3", "192.0.2.7"} {
		// What a socket does when a peer comes:
		peer := &zmq.Applicant{Address: address, Mechanism: "PLAIN", Username: "ada", Password: "correct horse"}
		err := policy(context.Background(), peer)
		fmt.Printf("%q %v\n", peer.UserID, err)
	}
	// Output:
	// "ada" <nil>
	// "" not let in: "192.0.2.7" is not among the addresses that are
}

func ExampleAuthenticator() {
	// A policy is a function, and any function will do.
	shop := func(ctx context.Context, p *zmq.Applicant) error {
		if hour := time.Now().Hour(); hour < 8 || hour >= 18 {
			return fmt.Errorf("%w: closed at %d o'clock", zmq.ErrTryLater, hour)
		}
		if p.Mechanism != "CURVE" {
			return fmt.Errorf("%w: a key is needed", zmq.ErrDenied)
		}
		p.Metadata = map[string]string{"X-Came-At": time.Now().Format(time.RFC3339)}
		return nil
	}
	policy := zmq.LogRefusals(slog.New(slog.DiscardHandler), shop)
	err := policy(context.Background(), &zmq.Applicant{Mechanism: "NULL"})
	fmt.Println(errors.Is(err, zmq.ErrDenied) || errors.Is(err, zmq.ErrTryLater))
	// Output: true
}

func ExampleOpenPasswordFile() {
	hash, err := zmq.HashPassword("correct horse", 0) // as "zmq password ada" does
	if err != nil {
		fmt.Println(err)
		return
	}
	path := filepath.Join(os.TempDir(), fmt.Sprint("passwords-", os.Getpid()))
	if err := os.WriteFile(path, []byte("ada:"+hash+"\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(path)

	users, err := zmq.OpenPasswordFile(path, &zmq.ReloadConfig{Logger: slog.Default()})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, password := range []zmq.Secret{"correct horse", "battery staple"} {
		fmt.Println(users.Authenticate(context.Background(), &zmq.Applicant{Mechanism: "PLAIN", Username: "ada", Password: password}))
	}
	// Output:
	// <nil>
	// not let in: no such user, or another password
}

func ExampleOpenCurveDirectory() {
	folder, err := os.MkdirTemp("", "friends")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	public, _, err := zmq.NewCurveKeyPair()
	if err != nil {
		fmt.Println(err)
		return
	}
	friend := zmq.CurveCertificate{PublicKey: public}
	if err := friend.SavePublic(filepath.Join(folder, "ada.key")); err != nil {
		fmt.Println(err)
		return
	}

	friends, err := zmq.OpenCurveDirectory(folder, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	peer := &zmq.Applicant{Mechanism: "CURVE", PublicKey: public}
	fmt.Println(friends.Authenticate(context.Background(), peer), peer.UserID)
	// Output: <nil> ada
}

func ExampleContext_NewZAPHandler() {
	c := zmq.NewContext(nil)
	defer c.Term(context.Background())
	local, err := zmq.ParseAddressSet("127.0.0.1", "::1", "ipc")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := c.NewZAPHandler(local.Allow) // asked by every socket of c with a ZAP domain
	if err != nil {
		fmt.Println(err)
		return
	}
	defer handler.Close()
	// Output:
}

// A server gets another key: those who know the old one find it where it was until all
// of them know the new one.
func ExampleSocket_Configure_anotherKey() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)
	oldPublic, oldSecret, err := zmq.NewCurveKeyPair()
	check(err)
	newPublic, newSecret, err := zmq.NewCurveKeyPair()
	check(err)

	security := zmq.Security{Curve: zmq.Curve{Server: true, SecretKey: oldSecret}}
	server := must(zctx.NewSocket(zmq.PULL, &zmq.Config{Security: security}))
	oldEndpoint := must(server.Bind("tcp://127.0.0.1:*"))
	check(server.Configure(func(c *zmq.Config) { c.Security.Curve.SecretKey = newSecret }))
	newEndpoint := must(server.Bind("tcp://127.0.0.1:*")) // the old one keeps the old key

	public, secret, err := zmq.NewCurveKeyPair()
	check(err)
	for endpoint, serverKey := range map[string]zmq.CurvePublicKey{oldEndpoint: oldPublic, newEndpoint: newPublic} {
		security := zmq.Security{Curve: zmq.Curve{PublicKey: public, SecretKey: secret, ServerKey: serverKey}}
		client := must(zctx.NewSocket(zmq.PUSH, &zmq.Config{Security: security}))
		check(client.Connect(endpoint))
		check(client.SendString(ctx, "hello"))
		fmt.Println(must(server.Recv(ctx)))
	}
	check(server.Unbind(oldEndpoint)) // and the connections that were made there end
	// Output:
	// hello
	// hello
}
