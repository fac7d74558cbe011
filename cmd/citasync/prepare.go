package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/citasync/citasync/cmd/citasync/internal/local"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/wire"
)

// prepare reads the configuration, makes what it leaves out, and wires the
// functions.
func (s *server) prepare(ctx context.Context, addr net.Addr) error {
	k, err := makeKeys(s.data.dir)
	if err != nil {
		return err
	}
	var ln net.Listener
	if builtIn(s.getenv) {
		if ln, err = listenSandbox(ctx, addr); err != nil {
			return err
		}
	}
	s.config, err = config.Load(k.getenv(s.getenv, addr, ln), config.PublicURL, config.Google, config.WebhookSecrets, config.SessionSecrets,
		config.Installation, config.TokenKeyset)
	if err == nil && ln != nil {
		s.sandbox, err = newSandbox(ln, s.config, addr, filepath.Join(s.data.dir, sandboxDir)) //nolint:contextcheck // it lives as long as the process
	}
	if err == nil {
		s.app, err = local.New(wire.Parts{
			Config: s.config, Store: s.data.store, Secrets: s.data.secrets, Publisher: s.data.queue,
			HTTP: wire.HTTPClient(), Now: time.Now, Log: s.log,
		})
	}
	if err != nil && ln != nil {
		err = errors.Join(err, ln.Close())
	}
	return err
}

// builtIn reports whether the sandbox stands for Google and, unless the
// environment has a sender, for WhatsApp: nothing says what else does.
func builtIn(getenv func(string) string) bool {
	return getenv("GOOGLE_CLIENT_ID")+getenv("GOOGLE_CLIENT_SECRET")+getenv("GOOGLE_EMULATOR_URL") == ""
}

// getenv is the environment, with the directory's keys and what follows from
// the addresses where it says nothing.
func (k keys) getenv(env func(string) string, addr net.Addr, sandboxLn net.Listener) func(string) string {
	defaults := map[string]string{
		"PUBLIC_URL": "http://" + net.JoinHostPort("localhost", port(addr)), "WEBHOOK_SECRETS": k.WebhookSecret,
		"SESSION_SECRETS": k.SessionSecret, "INSTALLATION_ID": k.InstallationID, "TOKEN_KEYSET": k.TokenKeyset,
	}
	if sandboxLn != nil {
		at := "http://" + sandboxLn.Addr().String()
		defaults["GOOGLE_EMULATOR_URL"] = at
		defaults["PLATFORM_SETTINGS_URL"], defaults["ALLOWED_RETURN_ORIGINS"] = at+"/demo/panel?company={company}", at
	}
	if env("GOOGLE_CLIENT_ID")+env("GOOGLE_CLIENT_SECRET") == "" && (sandboxLn != nil || env("GOOGLE_EMULATOR_URL") != "") {
		defaults["GOOGLE_CLIENT_ID"], defaults["GOOGLE_CLIENT_SECRET"] = sandbox.DefaultClientID, sandbox.DefaultClientSecret
	}
	if env("WHATSAPP_TOKEN") == "" && (sandboxLn != nil || env("WHATSAPP_EMULATOR_URL") != "") {
		defaults["WHATSAPP_EMULATOR_URL"] = defaults["GOOGLE_EMULATOR_URL"]
		defaults["WHATSAPP_TOKEN"], defaults["WHATSAPP_PHONE_NUMBER_ID"] = sandbox.DefaultWhatsAppToken, sandbox.DefaultWhatsAppPhoneNumberID
		defaults["WHATSAPP_APP_SECRET"], defaults["WHATSAPP_VERIFY_TOKEN"] = sandbox.DefaultWhatsAppAppSecret, sandbox.DefaultWhatsAppVerifyToken
	}
	return func(name string) string { return cmp.Or(env(name), defaults[name]) }
}

func port(addr net.Addr) string {
	_, p, err := net.SplitHostPort(addr.String())
	if err != nil {
		return ""
	}
	return p
}

// sandboxServer is the stand-in for Google and WhatsApp, with the demo booking platform. It
// is at 127.0.0.1 and the panel at localhost, so that they are two sites to a
// browser, as they are in life.
type sandboxServer struct {
	ln  net.Listener
	url *url.URL
	*sandbox.Sandbox
}

// listenSandbox listens on the port after the panel's, so that bookmarks last,
// or on any if that is taken.
func listenSandbox(ctx context.Context, panel net.Addr) (net.Listener, error) {
	var lc net.ListenConfig
	if n, err := strconv.Atoi(port(panel)); err == nil && n < 65535 {
		if ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1))); err == nil {
			return ln, nil
		}
	}
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the sandbox: %w", err)
	}
	return ln, nil
}

func newSandbox(ln net.Listener, c config.Config, panel net.Addr, dir string) (*sandboxServer, error) {
	u := &url.URL{Scheme: "http", Host: ln.Addr().String()}
	direct := &url.URL{Scheme: "http", Host: panel.String(), Path: "/webhooks"}
	s, err := sandbox.New(sandbox.Options{
		Dir: dir, URL: u.String(), ClientID: c.Google.ID, ClientSecret: c.Google.Secret.Reveal(),
		Demo: &sandbox.Demo{
			WebhookURL: direct.JoinPath("bookings").String(), WebhookSecret: c.WebhookSecrets[0].Reveal(),
			PanelURL: c.PublicURL.String(), SessionSecret: []byte(c.SessionSecrets[0].Reveal()), Return: true,
		},
		WhatsApp: sandbox.WhatsApp{
			Token: c.WhatsApp.Token.Reveal(), PhoneNumberID: c.WhatsApp.PhoneNumberID, AppSecret: c.WhatsApp.AppSecret.Reveal(),
			VerifyToken: c.WhatsApp.VerifyToken.Reveal(), CallbackURL: direct.JoinPath("whatsapp").String(),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return &sandboxServer{ln, u, s}, nil
}

// start serves the sandbox until the function that it returns is called.
func (s *sandboxServer) start(log *slog.Logger) (stop func()) {
	srv := newHTTPServer(s.Handler(), log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("sandbox ended", "error", err.Error())
		}
	}()
	return func() {
		_ = srv.Close() // a stand-in owes nobody an answer
		<-done
		s.Close()
	}
}
