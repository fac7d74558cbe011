// Package gcal keeps companies' bookings in their Google calendars.
//
// [Calendar] is an [integration.Integration]. Its calls are inserts, updates
// and deletions of single events whose ids it chooses, so each may be repeated
// without harm. It keeps nothing: what it must remember is in the booking's
// delivery, which the engine commits before and after each of its acts.
//
// An event's id is made of the installation, the company, the booking and a
// generation. Google never lets the id of a deleted event be used again; such
// an id is burnt, and the next event of that booking is of the next
// generation. Only an answer that says so, 404, 410 or the status "cancelled",
// is read as an event's absence.
//
// An event is ours if its private extended properties name this installation
// and the company. Nothing else is changed or removed.
//
// The vendor's pages are "Events" and "Handle API errors" of the Google
// Calendar API, version 3.
package gcal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/option"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

const (
	google = "https://www.googleapis.com"
	root   = "/calendar/v3/"

	// maxInstallation keeps the installation's name well below what Google
	// stores of an extended property, which it drops without a word if it is
	// longer.
	maxInstallation = 256
)

// Tokens gives access tokens for a company's connection.
type Tokens interface {
	// Token returns a token that has not expired.
	Token(ctx context.Context, company booking.CompanyID, c integration.Connection) (string, error)
	// Renew returns a token in place of one that Google refused before its time.
	Renew(ctx context.Context, company booking.CompanyID, c integration.Connection, bad string) (string, error)
}

// Deps are what a Calendar needs.
type Deps struct {
	Tokens       Tokens
	Reasons      func(error) integration.Reason // the class of an error of Tokens
	Installation string                         // tells this installation's events from another's
	HTTP         *http.Client                   // with the process's one transport; redirects are not followed
	BaseURL      string                         // a stand-in for https://www.googleapis.com; empty: Google
	Allowed      func(context.Context) bool     // looked at before each call; nil: always
	Now          func() time.Time               // nil: time.Now
	Log          *slog.Logger
}

// Calendar is the integration with Google Calendar, for every company. It may
// be used by several goroutines.
type Calendar struct {
	deps Deps
	api  *calendar.Service
}

// New returns a Calendar. It looks for no credentials: each call is given its
// company's token.
func New(d Deps) (*Calendar, error) {
	if d.Tokens == nil || d.Reasons == nil || d.HTTP == nil || d.Log == nil {
		return nil, errors.New("google calendar: Tokens, Reasons, HTTP and Log are needed")
	}
	if d.Installation == "" || len(d.Installation) > maxInstallation {
		return nil, fmt.Errorf("google calendar: the installation's id has %d bytes, not 1 to %d", len(d.Installation), maxInstallation)
	}
	if d.Allowed == nil {
		d.Allowed = func(context.Context) bool { return true }
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	api, err := service(d)
	if err != nil {
		return nil, fmt.Errorf("google calendar: %w", err)
	}
	return &Calendar{deps: d, api: api}, nil
}

// service builds the client library's part, once. With a client of ours it
// neither looks for credentials or certificates nor wraps the transport, and
// this API's calls are never repeated by the library. A redirect would send a
// write a second time, so it counts as a failure. The library logs requests
// whole, tokens included, if an environment variable says so: it gets a logger
// that drops them.
func service(d Deps) (*calendar.Service, error) {
	client := *d.HTTP
	client.Transport = apiOnly{d.HTTP.Transport}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	base := strings.TrimRight(cmp.Or(d.BaseURL, google), "/")
	return calendar.NewService(context.Background(), // only for credentials, which are not looked for
		option.WithHTTPClient(&client),
		option.WithEndpoint(base+root),
		option.WithLogger(slog.New(slog.DiscardHandler)))
}

// apiOnly makes an error of a web page that poses as a success: of the answer
// to a deletion the library looks at nothing but the status.
type apiOnly struct{ base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t apiOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	res, err := base.RoundTrip(r)
	if err == nil && res.StatusCode < 300 && webPage(res.Header) {
		_ = res.Body.Close() // nothing of it is wanted
		return nil, fmt.Errorf("%w: a web page", errAnswer)
	}
	return res, err
}

// ID returns [integration.GoogleCalendar].
func (*Calendar) ID() integration.ID { return integration.GoogleCalendar }

// EventID is the id of a booking's event of that generation: 32 characters of
// base32hex in lower case, which is what Google allows, from the first 160
// bits of a SHA-256. What is hashed is each part behind its length in four
// bytes, big-endian, the generation in decimal.
func EventID(installation string, company booking.CompanyID, id booking.ID, generation int) string {
	var b []byte
	for _, part := range []string{installation, string(company), string(id), strconv.Itoa(generation)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // ids are a few hundred bytes
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return strings.ToLower(base32.HexEncoding.EncodeToString(sum[:20]))
}
