package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/session"
)

// link prints what the platform makes for its users: a signed link, good once
// and for ten minutes.
func link(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	var c session.Claims
	dir := dataFlag(fs)
	company := fs.String("company", "", "the company's id at the platform")
	public := fs.String("url", "", "PUBLIC_URL; by default the environment's, or that of the process serving from the data directory")
	fs.StringVar(&c.Name, "name", "", "the company's name")
	fs.StringVar(&c.Email, "email", "", "its e-mail address")
	fs.StringVar(&c.Phone, "phone", "", "its phone number")
	fs.StringVar(&c.Country, "country", "", "its country, ISO 3166-1 alpha-2")
	fs.StringVar(&c.Locale, "locale", "", "es or en")
	fs.StringVar(&c.TimeZone, "time-zone", "", "its time zone, an IANA name")
	fs.StringVar(&c.ReturnURL, "return-url", "", "where the panel leads back to")
	fs.StringVar(&c.Connect, "connect", "", "google-calendar: the link does nothing but connect it, and then leads to --return-url")
	bearer := fs.Bool("bearer", false, "print the token alone, to be sent as Authorization: Bearer …")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if *company == "" || len(rest) > 0 {
		fs.Usage()
		return fmt.Errorf("%w: --company is needed", errUsage)
	}
	if c.Connect != "" && c.Connect != session.ConnectGoogleCalendar { // the panel would leave it out, and only log that
		return fmt.Errorf("%w: --connect is %s", errUsage, session.ConnectGoogleCalendar)
	}
	c.Company = booking.CompanyID(*company)
	t, err := reach(ctx, e, *dir, *public)
	if err != nil {
		return err
	}
	token, err := t.sign(c)
	if err != nil {
		return err
	}
	if *bearer {
		fmt.Fprintln(e.stdout, token)
		return nil
	}
	u := t.public.JoinPath("settings")
	u.RawQuery = url.Values{"session": {token}}.Encode()
	fmt.Fprintln(e.stdout, u)
	return nil
}

// target is an installation as its platform knows it.
type target struct {
	public   *url.URL
	webhooks string // newest secret
	sessions string // newest secret
}

// reach finds the installation: by the environment, and where that says
// nothing by the data directory.
func reach(ctx context.Context, e env, dir, public string) (target, error) {
	k, err := readKeys(dir)
	if err != nil {
		return target{}, err
	}
	public = cmp.Or(public, e.getenv("PUBLIC_URL"))
	if c := dial(ctx, dir); public == "" && c != nil {
		i, err := c.Info(ctx)
		if err != nil {
			return target{}, err
		}
		public = i.PublicURL
	}
	public = cmp.Or(public, "http://localhost:8080")
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return target{}, fmt.Errorf("%w: %q is not the address of an installation", errUsage, public)
	}
	return target{
		public:   u,
		webhooks: cmp.Or(first(e.getenv("WEBHOOK_SECRETS")), k.WebhookSecret),
		sessions: cmp.Or(first(e.getenv("SESSION_SECRETS")), k.SessionSecret),
	}, nil
}

func first(list string) string {
	for s := range strings.FieldsSeq(list) {
		return s
	}
	return ""
}

var errNoSecret = errors.New("no secret to sign with: set it in the environment, or name the --data directory that serve uses")

func (t target) sign(c session.Claims) (string, error) {
	if t.sessions == "" {
		return "", fmt.Errorf("SESSION_SECRETS: %w", errNoSecret)
	}
	m, err := session.New(session.Options{Secrets: [][]byte{[]byte(t.sessions)}, PublicURL: t.public, Now: time.Now})
	if err != nil {
		return "", err
	}
	return m.Sign(c)
}
