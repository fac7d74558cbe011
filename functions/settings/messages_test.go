package settings

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/session"
	"github.com/citasync/citasync/shared/store"
)

// Turning on and off is recorded once, however often it is asked for, says what
// was done, and calls nobody.
func TestMessagesOnAndOff(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(clinic, nil)
	b := m.enter(m.claims(salon))
	yes := url.Values{"confirm": {"yes"}, "company": {string(salon)}}
	for _, step := range []struct {
		action string
		form   url.Values
		to     string
		status integration.Status
		doings []string
	}{
		{"disable", yes, "/settings?integration=whatsapp&result=disconnected", integration.Disconnected, nil},
		{"enable", url.Values{"company": {string(salon)}}, "/settings?integration=whatsapp&result=connected", integration.Connected, []string{"connected by company ok "}},
		{"disable", yes, "/settings?integration=whatsapp&result=disconnected", integration.Disconnected, []string{"turned_off by company ok ", "connected by company ok "}},
	} {
		m.now = m.now.Add(time.Minute)
		began := m.now
		for range 2 {
			res := b.post(messagesPath+step.action, step.form)
			res.Body.Close()
			if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != step.to {
				t.Errorf("%s: %d to %q", step.action, res.StatusCode, got)
			}
			m.now = m.now.Add(time.Second)
		}
		c := m.notices(salon)
		if c.Status != step.status || c.Enabled != (step.status == integration.Connected) {
			t.Errorf("%s: it is %s, enabled %v", step.action, c.Status, c.Enabled)
		}
		if len(step.doings) > 0 && (!c.ChangedAt.Equal(began) || !c.UpdatedAt.Equal(began) || c.CreatedAt.IsZero()) {
			t.Errorf("%s: changed %v, updated %v, created %v", step.action, c.ChangedAt, c.UpdatedAt, c.CreatedAt)
		}
		if diff := cmp.Diff(step.doings, m.doings()); diff != "" {
			t.Errorf("%s: activities -want +got:\n%s", step.action, diff)
		}
		if page := body(t, b.get(step.to)); !strings.Contains(page, `role="status"`) {
			t.Errorf("%s: what was done is not said", step.action)
		}
	}
	if c := m.notices(clinic); c.Status != integration.Connected {
		t.Errorf("the other company's notices are %s", c.Status)
	}
	if n := m.requests(); n > 0 {
		t.Errorf("WhatsApp was called %d times", n)
	}
}

// What was to be told of how it was before is told no more; the choices stay.
func TestMessagesForget(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, func(c *integration.Connection) {
		c.Options.Language = "en"
		c.Refused, c.Notices, c.NoticeDue, c.Reason = 3, 1, m.now, integration.Rejected
	})
	b := m.enter(m.claims(salon))
	b.post(messagesPath+"disable", url.Values{"confirm": {"yes"}}).Body.Close()
	c := m.notices(salon)
	if c.Refused != 0 || c.Notices != 0 || !c.NoticeDue.IsZero() || c.Reason != integration.NoReason || c.Options.Language != "en" {
		t.Errorf("off: %+v", c)
	}
}

// Without a yes nothing is turned off.
func TestMessagesAsk(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, nil)
	b := m.enter(m.claims(salon))
	for _, res := range []*http.Response{b.get(messagesPath + "disable"), b.post(messagesPath+"disable", url.Values{"events": {"remove"}})} {
		page := body(t, res)
		if res.StatusCode != http.StatusOK || !strings.Contains(page, `name="confirm" value="yes"`) || strings.Contains(page, `name="events"`) {
			t.Errorf("%d: %s", res.StatusCode, page)
		}
	}
	if c := m.notices(salon); c.Status != integration.Connected {
		t.Errorf("it is %s", c.Status)
	}
}

// Of a double click that arrives at the same time, one is recorded.
func TestMessagesDoubleClick(t *testing.T) {
	m := newMessenger(t, bilingual())
	b := m.enter(m.claims(salon))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			res := b.post(messagesPath+"enable", nil)
			res.Body.Close()
			if res.StatusCode != http.StatusSeeOther {
				t.Errorf("answered with %d", res.StatusCode)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff([]string{"connected by company ok "}, m.doings()); diff != "" {
		t.Errorf("activities -want +got:\n%s", diff)
	}
}

// overtaken is a store that something else writes to before it does.
type overtaken struct {
	Store
	before func()
}

func (o overtaken) PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error {
	o.before()
	return o.Store.PutConnection(ctx, company, c, acts...)
}

// overtake has others write to the salon's notices, that many times, before we do.
func (m *messenger) overtake(times int) {
	m.Helper()
	m.deps.Store = overtaken{m.deps.Store, func() {
		if times--; times < 0 {
			return
		}
		c := m.notices(salon)
		c.Refuse(m.now)
		m.must(m.store.PutConnection(m.Context(), salon, &c))
	}}
	var err error
	m.handler, err = New(m.deps)
	m.must(err)
}

// What others have written meanwhile is kept.
func TestMessagesOvertaken(t *testing.T) {
	for _, tc := range []struct {
		times  int
		status int
		muted  bool
	}{{store.Tries - 1, 303, true}, {store.Tries, 409, false}} {
		m := newMessenger(t, bilingual())
		m.notify(salon, nil)
		b := m.enter(m.claims(salon))
		m.overtake(tc.times)
		res := b.post(messagesPath+"options", noticesForm("confirmed", "deleted"))
		res.Body.Close()
		c := m.notices(salon)
		if res.StatusCode != tc.status || c.Options.Mute.Reserved != tc.muted || c.Refused != tc.times || len(m.doings()) == 1 != tc.muted {
			t.Errorf("overtaken %d times: %d; muted %v, %d refused, activities %v", tc.times, res.StatusCode, c.Options.Mute.Reserved, c.Refused, m.doings())
		}
	}
}

// Nothing happens without a session, on another site's behalf, on a page of
// another company, or in an installation that has no notices.
func TestMessagesFormsRefused(t *testing.T) {
	for _, tc := range []struct {
		name    string
		status  int
		without bool // notices
		send    func(*browser, string, url.Values) *http.Response
	}{
		{"no session", 401, false, func(b *browser, path string, form url.Values) *http.Response {
			return (&browser{s: b.s}).post(path, form)
		}},
		{"session ended", 401, false, func(b *browser, path string, form url.Values) *http.Response {
			b.s.now = b.s.now.Add(session.SessionLife + time.Minute)
			return b.post(path, form)
		}},
		{"another site", 403, false, func(b *browser, path string, form url.Values) *http.Response {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return b.send(r)
		}},
		{"page of another company", 409, false, func(b *browser, path string, form url.Values) *http.Response {
			form.Set("company", string(clinic))
			return b.post(path, form)
		}},
		{"no notices", 404, true, (*browser).post},
	} {
		for action, form := range map[string]url.Values{
			"enable": {}, "disable": {"confirm": {"yes"}}, "options": noticesForm("confirmed"), "test": {},
		} {
			t.Run(tc.name+", "+action, func(t *testing.T) {
				m := newMessenger(t, bilingual(), func(d *Deps) {
					if tc.without {
						d.Sender, d.Templates = nil, nil
					}
				})
				m.phone(salonPhone)
				if action != "enable" {
					m.notify(salon, nil)
				}
				before := m.notices(salon)
				res := tc.send(m.enter(m.claims(salon)), messagesPath+action, form)
				page := body(t, res)
				lint(t, page)
				if res.StatusCode != tc.status {
					t.Errorf("status %d, want %d", res.StatusCode, tc.status)
				}
				if diff := cmp.Diff(before, m.notices(salon)); diff != "" || len(m.doings()) > 0 || m.requests() > 0 {
					t.Errorf("something was done: %s; activities %v, %d calls", diff, m.doings(), m.requests())
				}
			})
		}
	}
}

// While it is paused for everyone it can be turned off, but not on.
func TestMessagesPaused(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.halt()
	b := m.enter(m.claims(salon))
	page := body(t, b.follow(b.post(messagesPath+"enable", nil)))
	if c := m.notices(salon); c.Status != integration.Disconnected || !strings.Contains(page, "en pausa para todas las empresas") || strings.Contains(page, "whatsapp/enable") {
		t.Errorf("it is %s: %s", c.Status, page)
	}
	checkProblem(t, m.call(salon, http.MethodPost, messagesCall+"enable", ""), http.StatusServiceUnavailable, "")
	m.notify(salon, nil)
	if res := m.call(salon, http.MethodPost, messagesCall+"enable", ""); res.StatusCode != http.StatusOK {
		t.Errorf("what is on already is answered with %d", res.StatusCode)
	}
	b.post(messagesPath+"disable", url.Values{"confirm": {"yes"}}).Body.Close()
	if c := m.notices(salon); c.Status != integration.Disconnected {
		t.Errorf("it is %s", c.Status)
	}
}

// An installation without notices says nothing of them, but for the API.
func TestMessagesMissing(t *testing.T) {
	s := newSite(t)
	s.notify(salon, nil) // of a time when it had them
	s.book(salon, "1", hour, s.told(nil))
	b := s.enter(s.claims(salon))
	for _, path := range []string{"/settings", "/settings/history", "/settings?integration=whatsapp&result=connected"} {
		if page := body(t, b.get(path)); strings.Contains(page, "WhatsApp") {
			t.Errorf("%s speaks of it", path)
		}
	}
	want := `"status":"disconnected","reason":"","account":"","calendar":{"id":"","name":""},"waiting":0,"refused":0,"since":"",` +
		`"checked_at":"","preview":{"add":0,"more":false},"action":"","message":"Esta instalación no tiene WhatsApp configurado.","language":"","notices":{},"options":{}}`
	if got := body(t, s.call(salon, http.MethodGet, "/v1/integrations", "")); !strings.Contains(got, `{"id":"whatsapp","name":"WhatsApp","available":false,"enabled":false,`+want) {
		t.Errorf("the list is %s", got)
	}
	for _, call := range []string{"enable", "test", "options"} {
		checkProblem(t, s.call(salon, http.MethodPost, messagesCall+call, `{}`), http.StatusConflict, "not configured")
	}
	if c := s.notices(salon); c.Status != integration.Connected {
		t.Errorf("it is %s", c.Status)
	}
	if got := body(t, s.call(salon, http.MethodPost, messagesCall+"disable", "")); !strings.Contains(got, want) {
		t.Errorf("turned off: %s", got)
	}
	if c := s.notices(salon); c.Status != integration.Disconnected {
		t.Errorf("it is %s", c.Status)
	}
}

// The choices are kept and said, and do not make news of what was before.
func TestMessagesOptions(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, nil)
	before := m.notices(salon)
	b := m.enter(m.claims(salon))
	form := noticesForm("confirmed", "deleted")
	form.Set("language", "en")
	for range 2 {
		res := b.post(messagesPath+"options", form)
		res.Body.Close()
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != "/settings?integration=whatsapp&result=options" {
			t.Errorf("%d to %q", res.StatusCode, got)
		}
	}
	c := m.notices(salon)
	want := integration.Options{Language: "en", Mute: integration.Mute{Reserved: true}}
	if diff := cmp.Diff(want, c.Options); diff != "" || !c.ChangedAt.Equal(before.ChangedAt) || !c.UpdatedAt.Equal(m.now) {
		t.Errorf("changed %v, options -want +got:\n%s", c.ChangedAt, diff)
	}
	if diff := cmp.Diff([]string{"options_changed by company ok "}, m.doings()); diff != "" {
		t.Errorf("activities -want +got:\n%s", diff)
	}
	page := body(t, b.get(messagesPath+"options"))
	for _, want := range []string{`name="notice.confirmed" value="true" id="confirmed" aria-describedby="confirmed-hint" checked`, `value="true" id="reserved" aria-describedby="reserved-hint">`, `value="en" id="l2" required checked`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if page := body(t, b.get("/settings")); !strings.Contains(page, "<dd>Reserva confirmada</dd>\n<dd>Reserva cancelada</dd>") || !strings.Contains(page, "<dd>Inglés</dd>") || strings.Contains(page, "<dd>Reserva recibida</dd>") {
		t.Error("the card does not tell what was chosen")
	}
}

func TestMessagesOptionsRefuses(t *testing.T) {
	for name, form := range map[string]url.Values{
		"no notice":           typed(noticesForm(), map[string]string{"language": "es"}),
		"unknown notice only": typed(noticesForm("birthday"), map[string]string{"language": "es"}),
		"unknown language":    typed(noticesForm("confirmed"), map[string]string{"language": "fr"}),
	} {
		m := newMessenger(t, bilingual())
		m.notify(salon, nil)
		res := m.enter(m.claims(salon)).post(messagesPath+"options", form)
		page := body(t, res)
		lint(t, page)
		if c := m.notices(salon); res.StatusCode != http.StatusUnprocessableEntity || c.Options != (integration.Options{}) || len(m.doings()) > 0 {
			t.Errorf("%s: %d, options %+v", name, res.StatusCode, c.Options)
		}
	}
}

// Options are those of the templates, and of a company that has it on.
func TestMessagesOptionsThereAre(t *testing.T) {
	m := newMessenger(t, config.Templates{
		booking.Confirmed: {Name: "booking_confirmed", Languages: []string{"es_MX", "en"}},
		booking.Deleted:   {Name: "booking_deleted", Languages: []string{"es"}},
	})
	b := m.enter(m.claims(salon))
	if res := b.get(messagesPath + "options"); res.Header.Get("Location") != "/settings" {
		t.Errorf("while it is off: %d", res.StatusCode)
	}
	m.notify(salon, nil)
	page := body(t, b.get(messagesPath+"options"))
	if strings.Contains(page, `id="reserved"`) || strings.Contains(page, `name="language"`) || !strings.Contains(page, `id="deleted"`) {
		t.Errorf("the page offers what there is not: %s", page)
	}
	b.post(messagesPath+"options", noticesForm("confirmed", "reserved")).Body.Close()
	if c := m.notices(salon); c.Options.Mute != (integration.Mute{Deleted: true}) {
		t.Errorf("muted: %+v", c.Options.Mute)
	}
	if page := body(t, b.get("/settings")); strings.Contains(page, "Al hacerse una reserva") || !strings.Contains(page, "Al confirmarse") {
		t.Error("the card promises a notice that there is not, or not one that there is")
	}
}

func TestLanguagesOf(t *testing.T) {
	for _, tc := range []struct {
		reserved, confirmed []string
		want                []string
	}{
		{[]string{"es", "en"}, []string{"en", "es"}, []string{"es", "en"}},
		{[]string{"es_MX"}, []string{"es", "en_US"}, []string{"es"}},
		{[]string{"en"}, []string{"en_GB"}, []string{"en"}},
		{[]string{"en"}, []string{"es"}, []string{}},
	} {
		got := languagesOf(config.Templates{booking.Reserved: {Languages: tc.reserved}, booking.Confirmed: {Languages: tc.confirmed}})
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%v, %v -want +got:\n%s", tc.reserved, tc.confirmed, diff)
		}
	}
}

// A store that fails is an error of ours, and none of the caller's.
func TestMessagesStoreFails(t *testing.T) {
	m := newMessenger(t, bilingual())
	b := m.enter(m.claims(salon))
	m.deps.Store = broken{m.deps.Store}
	var err error
	m.handler, err = New(m.deps)
	m.must(err)
	res := b.post(messagesPath+"enable", nil)
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
	checkProblem(t, m.call(salon, http.MethodPost, messagesCall+"enable", ""), http.StatusServiceUnavailable, "")
}

type broken struct{ Store }

func (broken) PutConnection(context.Context, booking.CompanyID, *integration.Connection, ...store.Activity) error {
	return fault.ErrUnavailable
}
