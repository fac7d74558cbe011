package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/citasync/citasync/shared/session"
)

// link prints what the platform makes for its users: a signed link, good once
// and for ten minutes. What whoever opens it would leave out is refused here, as
// far as this can be known: the panel only logs it.
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
	if c.Company, err = companyID("--company", *company); err != nil {
		return err
	}
	t, err := reach(ctx, e, *dir, *public)
	if err != nil {
		return err
	}
	if err := t.check(c); err != nil {
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

	returns []string // the origins that a link may lead back to; nil: not known
}

// reach finds the installation: by the environment, and where that says
// nothing by the data directory.
func reach(ctx context.Context, e env, dir, public string) (target, error) {
	k, err := readKeys(dir)
	if err != nil {
		return target{}, err
	}
	public = cmp.Or(public, e.getenv("PUBLIC_URL"))
	returns := slices.Collect(strings.FieldsSeq(e.getenv("ALLOWED_RETURN_ORIGINS")))
	if c := dial(ctx, dir); public == "" && c != nil {
		i, err := c.Info(ctx)
		if err != nil {
			return target{}, err
		}
		public = i.PublicURL
		if returns == nil {
			returns = i.ReturnOrigins
		}
	}
	public = cmp.Or(public, "http://localhost:8080")
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return target{}, fmt.Errorf("%w: %q is not the address of an installation", errUsage, public)
	}
	return target{
		public: u, returns: returns,
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

// check names everything of the claims that whoever opens the link would leave
// out, and only log that.
func (t target) check(c session.Claims) error {
	var wrong []string
	for _, claim := range session.LeftOut(c, func(string) bool { return true }) {
		wrong = append(wrong, "--"+strings.ReplaceAll(claim, "_", "-")+" "+claimRule(claim))
	}
	if wrong == nil && t.returns != nil && session.LeftOut(c, t.returnsTo) != nil {
		wrong = append(wrong, "--return-url must be on one of ALLOWED_RETURN_ORIGINS ("+cmp.Or(strings.Join(t.returns, " "), "there is none")+"): name one, or allow its origin there")
	}
	if wrong != nil {
		return fmt.Errorf("%w: %s", errUsage, strings.Join(wrong, "; "))
	}
	return nil
}

// returnsTo reports whether the installation's links may lead back to the origin.
func (t target) returnsTo(origin string) bool {
	return slices.ContainsFunc(t.returns, func(s string) bool {
		allowed, ok := session.Origin(s)
		return ok && allowed == origin
	})
}

// claimRule says how a claim must be.
func claimRule(name string) string {
	switch name {
	case "country":
		return "must be a code of ISO 3166-1 alpha-2, such as ES"
	case "locale":
		return "must be es or en"
	case "time_zone":
		return "must be an IANA name, such as America/Bogota"
	case "connect":
		return "must be " + session.ConnectGoogleCalendar
	case "return_url":
		return "must be an http or https address of at most 1000 bytes, without a user's name"
	}
	return "must be text of at most 200 bytes, without control characters"
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
