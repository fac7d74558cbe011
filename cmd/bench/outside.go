package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/emulator"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/sandbox/secretmanager"
	smstore "github.com/citasync/citasync/shared/secret/secretmanager"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/wire"
)

const project = "citasync-bench"

// outside is what stands for Google's services, all on loopback. Google answers
// at once, and limits nobody: what is measured is faster than it may be.
type outside struct {
	google  *sandbox.Sandbox
	secrets *secretmanager.Server
	env     map[string]string // names them all, as a function's environment does
	stops   []func()
}

func startOutside(ctx context.Context) (*outside, error) {
	keyset, err := googleauth.NewKeyset()
	if err != nil {
		return nil, err
	}
	o := &outside{env: map[string]string{
		"GOOGLE_CLOUD_PROJECT": project, "INSTALLATION_ID": "bench", "TOKEN_KEYSET": keyset, "PUBLIC_URL": "http://localhost:8080",
		"GOOGLE_CLIENT_ID": sandbox.DefaultClientID, "GOOGLE_CLIENT_SECRET": sandbox.DefaultClientSecret,
	}}
	if o.google, err = sandbox.New(sandbox.Options{Behaviour: sandbox.Behaviour{Quota: sandbox.Quota{PerUser: -1, PerProject: -1}}}); err != nil { //nolint:contextcheck // nothing waits in it
		return nil, err
	}
	if o.secrets, err = secretmanager.New(secretmanager.Options{}); err != nil {
		return nil, err
	}
	server := &http.Server{Handler: o.google.Handler(), ReadHeaderTimeout: time.Minute}
	addr, err := o.serve(ctx, server.Serve, func() { _ = server.Close() })
	if err != nil {
		return nil, err
	}
	o.env["GOOGLE_EMULATOR_URL"] = "http://" + addr
	if o.env["SECRET_MANAGER_EMULATOR_HOST"], err = o.serve(ctx, o.secrets.Serve, o.secrets.Stop); err != nil {
		o.stop()
		return nil, err
	}
	return o, nil
}

// serve serves on a free port of loopback.
func (o *outside) serve(ctx context.Context, serve func(net.Listener) error, stop func()) (addr string, err error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	o.stops = append(o.stops, stop)
	go func() { _ = serve(ln) }() // it ends when it is stopped
	return ln.Addr().String(), nil
}

// firestore sees to it that there is an emulator. The error is
// [emulator.ErrMissing] if this machine has none.
func (o *outside) firestore(ctx context.Context) error {
	if o.env["FIRESTORE_EMULATOR_HOST"] != "" {
		return nil
	}
	p, err := emulator.Start(ctx, emulator.Firestore)
	if err != nil {
		return err
	}
	o.stops = append(o.stops, p.Stop)
	o.env["FIRESTORE_EMULATOR_HOST"] = p.Addr
	return nil
}

func (o *outside) stop() {
	for _, stop := range o.stops {
		stop()
	}
}

// installation is what functions are built of, on a store.
type installation struct {
	wire.Parts
	google *wire.Google
}

// install builds an installation on a store, with all else as env names it, and
// with what change changes, unless that is nil. Nothing is logged.
func install(ctx context.Context, env map[string]string, s store.Store, change func(*wire.Parts)) (*installation, error) {
	c, err := config.Load(func(name string) string { return env[name] }, config.Cloud, config.Google, config.TokenKeyset)
	if err != nil {
		return nil, err
	}
	secrets, err := smstore.Open(ctx, c.Project, c.SecretManagerEmulator)
	if err != nil {
		return nil, err
	}
	p := wire.Parts{
		Config: c, Store: s, Secrets: secrets, Publisher: nobody{}, HTTP: wire.HTTPClient(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&p)
	}
	g, err := wire.NewGoogle(p) //nolint:contextcheck // what is only put together waits for nothing
	return &installation{p, g}, err
}

// engine is the installation's. The calendar is its own, or what acts in its
// place.
func (i *installation) engine(calendar integration.Integration) (*converge.Engine, error) {
	return wire.Engine(i.Parts, i.google, calendar)
}

// grant has an account of Google's give its consent.
func (o *outside) grant(ctx context.Context, c *googleauth.Client, account string) (googleauth.Grant, error) {
	verifier := googleauth.NewVerifier()
	to, err := o.google.Authorize(c.AuthURL("state", verifier, ""), sandbox.Consent{Account: account})
	if err != nil {
		return googleauth.Grant{}, err
	}
	u, err := url.Parse(to)
	if err != nil {
		return googleauth.Grant{}, err
	}
	return c.Exchange(ctx, u.Query().Get("code"), verifier)
}

// grants has so many accounts give their consent.
func (o *outside) grants(ctx context.Context, c *googleauth.Client, n int) ([]googleauth.Grant, error) {
	var all []googleauth.Grant
	for i := range n {
		email := fmt.Sprintf("account%03d@example.com", i)
		err := o.google.AddAccount(sandbox.Account{Email: email, Name: "Peluquería Sol", TimeZone: "America/Bogota"})
		if err != nil && len(o.google.Calendars(email)) == 0 {
			return nil, err
		}
		g, err := o.grant(ctx, c, email)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

var errRefused = errors.New("the connection was refused")
