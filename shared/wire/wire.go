// Package wire puts together, from a configuration and the backends that it is
// given, what several functions are made of. It does not know which backends
// these are: [github.com/citasync/citasync/shared/wire/cloud] opens Google's.
package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/googleauth"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/notify"
	"github.com/citasync/citasync/shared/secret"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/whatsapp"
)

// Parts are what functions are built on. What a function does not use may be
// missing.
type Parts struct {
	Config    config.Config
	Store     store.Store
	Secrets   secret.Store
	Publisher bus.Publisher
	HTTP      *http.Client // towards Google; see HTTPClient
	Now       func() time.Time
	Log       *slog.Logger
}

// HTTPClient returns a client for all calls to the outside. A process has one:
// its transport keeps connections, however many companies there are.
func HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConns:        200, MaxIdleConnsPerHost: 100,
		IdleConnTimeout: 90 * time.Second,
	}}
}

// Google is what acts at Google, for every company. A process has one, so that
// a token is refreshed by one caller at a time.
type Google struct {
	Client   *googleauth.Client
	Grants   *googleauth.Grants
	Calendar *gcal.Calendar
	Switches *converge.Catalogue
}

// NewGoogle needs Config.Google, TokenKeyset and InstallationID, and of a
// function that takes part in a consent PublicURL, where Google sends browsers.
func NewGoogle(p Parts) (*Google, error) {
	cipher, err := googleauth.NewCipher(p.Config.TokenKeyset.Reveal())
	if err != nil {
		return nil, fmt.Errorf("TOKEN_KEYSET: %w", err)
	}
	base, callback := "", "" // Google itself, and no consent
	if e := p.Config.Google.Emulator; e != nil {
		base = e.String()
	}
	if u := p.Config.PublicURL; u != nil {
		callback = u.JoinPath("/oauth/callback").String()
	}
	client := googleauth.NewClient(googleauth.ClientOptions{
		ClientID: p.Config.Google.ID, ClientSecret: p.Config.Google.Secret.Reveal(),
		RedirectURL: callback, BaseURL: base, HTTP: p.HTTP, Now: p.Now,
	})
	auth := googleauth.Deps{Client: client, Connections: p.Store, Secrets: p.Secrets, Cipher: cipher, Now: p.Now, Log: p.Log}
	switches := converge.NewCatalogue(p.Store, p.Now)
	calendar, err := gcal.New(gcal.Deps{
		Tokens: googleauth.NewSource(auth), Reasons: googleauth.ReasonOf, Installation: p.Config.InstallationID,
		HTTP: p.HTTP, BaseURL: base, Now: p.Now, Log: p.Log,
		Allowed: func(ctx context.Context) bool { return switches.Allowed(ctx, integration.GoogleCalendar) },
	})
	if err != nil {
		return nil, fmt.Errorf("google calendar: %w", err)
	}
	return &Google{Client: client, Grants: googleauth.NewGrants(auth), Calendar: calendar, Switches: switches}, nil
}

// WhatsApp returns the sender of notices to customers, or nil if the
// installation has none. It needs InstallationID.
func WhatsApp(p Parts, switches *converge.Catalogue) (*whatsapp.Sender, error) {
	if p.Config.WhatsApp.Token.IsZero() {
		return nil, nil //nolint:nilnil // an installation without is no failure
	}
	return whatsapp.New(whatsapp.Deps{
		Sender: p.Config.WhatsApp, Installation: p.Config.InstallationID, HTTP: p.HTTP, Now: p.Now, Log: p.Log,
		Allowed: func(ctx context.Context) bool { return switches.Allowed(ctx, integration.WhatsApp) },
	})
}

// Engine returns an engine over everything that the installation integrates
// with. The calendar is g's, or what acts in its place.
func Engine(p Parts, g *Google, calendar integration.Integration) (*converge.Engine, error) {
	all := []integration.Integration{calendar}
	w, err := WhatsApp(p, g.Switches)
	if err != nil {
		return nil, err
	}
	if w != nil {
		all = append(all, w)
	}
	return converge.New(converge.Deps{Store: p.Store, Switches: g.Switches, Integrations: all, Now: p.Now, Log: p.Log}), nil
}

// Notifier needs nothing of the Config, and uses PlatformSettings, SMTPURL and
// NotifyFrom.
func Notifier(p Parts) (*notify.Notifier, error) {
	var mail *notify.Mailer
	if !p.Config.SMTPURL.IsZero() {
		var err error
		if mail, err = notify.NewMailer(p.Config.SMTPURL, p.Config.NotifyFrom); err != nil {
			return nil, fmt.Errorf("SMTP_URL or NOTIFY_FROM: %w", err)
		}
	}
	return notify.New(notify.Deps{Publisher: p.Publisher, Mail: mail, Settings: p.Config.PlatformSettings, Now: p.Now, Log: p.Log})
}

// Sessions needs Config.PublicURL and SessionSecrets.
func Sessions(p Parts) (*session.Manager, error) {
	m, err := session.New(session.Options{
		Secrets: SessionSecrets(p), PublicURL: p.Config.PublicURL, ReturnOrigins: p.Config.ReturnOrigins, Links: p.Store, Now: p.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("SESSION_SECRETS: %w", err)
	}
	return m, nil
}

// SessionSecrets are the secrets of links and sessions as the keys that they
// are, newest first.
func SessionSecrets(p Parts) [][]byte {
	secrets := make([][]byte, 0, len(p.Config.SessionSecrets))
	for _, s := range p.Config.SessionSecrets {
		secrets = append(secrets, []byte(s.Reveal()))
	}
	return secrets
}
