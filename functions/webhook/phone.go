package webhook

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/phone"
	"github.com/citasync/citasync/shared/store"
)

// Companies reads a company's record.
type Companies interface {
	// Company returns a default for a company without a record.
	Company(ctx context.Context, id booking.CompanyID) (store.Company, error)
}

const (
	countryFresh   = time.Minute     // how long a country is believed
	countryTimeout = 2 * time.Second // a webhook waits no longer for it
	maxCountries   = 1000            // that are kept at a time
)

// countries knows which country each company is in. It may be used by several
// goroutines.
type countries struct {
	companies Companies
	now       func() time.Time
	log       *slog.Logger

	mu    sync.Mutex
	known map[booking.CompanyID]country
}

type country struct {
	code  string // ISO 3166-1 alpha-2; empty: not known
	until time.Time
}

func newCountries(companies Companies, now func() time.Time, log *slog.Logger) *countries {
	return &countries{companies: companies, now: now, log: log, known: map[booking.CompanyID]country{}}
}

// normalise returns a phone number in E.164: one without a country code is of
// the company's country. What is no valid number stays as it is: the booking
// is good without it, and the notice that needs it will say what is wrong.
func (c *countries) normalise(ctx context.Context, company booking.CompanyID, number string) string {
	if e164, ok := phone.E164(number, ""); ok {
		return e164
	}
	if code := c.of(ctx, company); code != "" {
		if e164, ok := phone.E164(number, code); ok {
			return e164
		}
	}
	return number
}

// of returns the company's country, or none if it can't be read just now.
func (c *countries) of(ctx context.Context, id booking.CompanyID) string {
	if code, ok := c.recall(id); ok {
		return code
	}
	ctx, cancel := context.WithTimeout(ctx, countryTimeout)
	defer cancel()
	company, err := c.companies.Company(ctx, id)
	if err != nil {
		c.log.WarnContext(ctx, "country not read", "error", err.Error())
		return ""
	}
	code := strings.ToUpper(company.Country)
	c.remember(id, code)
	return code
}

func (c *countries) recall(id booking.CompanyID) (code string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[id]
	return k.code, ok && c.now().Before(k.until)
}

// remember forgets everything when it is full: within a minute it would be
// read again anyway.
func (c *countries) remember(id booking.CompanyID, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxCountries {
		clear(c.known)
	}
	c.known[id] = country{code: code, until: c.now().Add(countryFresh)}
}
