package settings

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// reads is a store that counts what is read of companies and connections.
type reads struct {
	Store
	of map[string]int
}

func (r *reads) Company(ctx context.Context, id booking.CompanyID) (store.Company, error) {
	r.of["company"]++
	return r.Store.Company(ctx, id)
}

func (r *reads) Entry(ctx context.Context, id integration.ID) (integration.Entry, error) {
	r.of["entry"]++
	return r.Store.Entry(ctx, id)
}

func (r *reads) Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error) {
	r.of["connection"]++
	return r.Store.Connection(ctx, company, id)
}

// A call reads each thing once, and answers with what it became. A change of WhatsApp's connection reads it once
// more, to write on what it is by then; one of Google Calendar's does that by
// itself.
func TestAPIReads(t *testing.T) {
	g := newGoogle(t)
	r := &reads{Store: g.store, of: map[string]int{}}
	g.deps.Store, g.deps.Sender, g.deps.Templates = r, newMessenger(t, bilingual()).deps.Sender, bilingual()
	var err error
	g.handler, err = New(g.deps)
	g.must(err)
	g.consent(salon, "ana@example.com")
	g.enter(g.claims(salon)) // so that the company is known
	g.now = g.now.Add(123456789 * time.Nanosecond)
	const list, calendar, messages = "/v1/integrations", "/v1/integrations/google-calendar/", "/v1/integrations/whatsapp/"
	once := map[string]int{"company": 1, "entry": 1, "connection": 1}
	written := map[string]int{"company": 1, "entry": 1, "connection": 2}
	for _, tc := range []struct {
		path, body string
		want       map[string]int
	}{
		{list, "", map[string]int{"company": 1, "entry": 2, "connection": 2}},
		{calendar + "enable", "", once},
		{calendar + "options", `{"color":"3"}`, once},
		{calendar + "options", `{"color":"3"}`, once},
		{calendar + "disable", `{"events":"remove"}`, once},
		{messages + "enable", "", written},
		{messages + "options", `{"language":"en"}`, written},
		{messages + "disable", "", written},
		{messages + "disable", "", written},
	} {
		method := http.MethodPost
		if tc.path == list {
			method = http.MethodGet
		}
		clear(r.of)
		res := g.call(salon, method, tc.path, tc.body)
		said := strings.TrimSpace(body(t, res))
		if diff := cmp.Diff(tc.want, maps.Clone(r.of)); diff != "" || res.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %d, reads -want +got:\n%s", tc.path, tc.body, res.StatusCode, diff)
		}
		stands := body(t, g.call(salon, http.MethodGet, list, ""))
		if method == http.MethodPost && !strings.Contains(said, "authorize_url") && !strings.Contains(stands, said) {
			t.Errorf("%s %s is answered with %s, and afterwards it stands as %s", tc.path, tc.body, said, stands)
		}
	}
}
