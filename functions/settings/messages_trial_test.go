package settings

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/whatsapp"
)

// A test sends one message to the company's own phone, in the language that was
// chosen, and is kept; its page can be loaded again without another.
func TestMessageTrial(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.phone(salonPhone)
	m.notify(salon, func(c *integration.Connection) { c.Options.Language = "en" })
	b := m.enter(m.claims(salon))
	res := b.post(messagesPath+"test", nil)
	res.Body.Close()
	to := res.Header.Get("Location")
	if res.StatusCode != http.StatusSeeOther || to != messagesPath+"test?company=2" {
		t.Fatalf("%d to %q", res.StatusCode, to)
	}
	for range 2 {
		if page := body(t, b.get(to)); strings.Count(page, "✓") != 1 || !strings.Contains(page, "hoy, 09:30") || !strings.Contains(page, "573005550000") {
			t.Errorf("the page does not show a step that succeeded, with the time and the company's number: %s", page)
		}
	}
	got := m.whatsapp.WhatsAppMessages()
	if len(got) != 1 || "+"+got[0].Recipient != salonPhone || got[0].Language != "en" || got[0].CallbackData != "" {
		t.Errorf("messages %+v", got)
	}
	if diff := cmp.Diff([]string{"connection_tested by company ok "}, m.doings()); diff != "" {
		t.Errorf("activities -want +got:\n%s", diff)
	}
	if log := m.log.String(); strings.Contains(log, "3005550000") || !strings.Contains(log, "connection tested") {
		t.Errorf("log %s", log)
	}
}

// Each class of failure is told apart, by the panel and the API, and leaves the
// notices on.
func TestMessageTrialFails(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault sandbox.Fault
		why   integration.Reason
		kept  string
		says  string
	}{
		{"refused", sandbox.Fault{Reason: "131026", Action: sandbox.Answer}, integration.Rejected, "send: 131026", "ese número no tiene WhatsApp"},
		{"refused, without words of its own", sandbox.Fault{Reason: "131009"}, integration.Rejected, "send: 131009", "WhatsApp no lo aceptó"},
		{"ours", sandbox.Fault{Reason: "132001"}, integration.Internal, "send: 132001", "un fallo nuestro"},
		{"slow", sandbox.Fault{Reason: "131056"}, integration.Quota, "send: 131056", "ir más despacio"},
		{"a page", sandbox.Fault{Status: 502, Action: sandbox.Garbage}, integration.Outage, "send", "No consta que se enviara"},
		{"cut off", sandbox.Fault{Action: sandbox.DropBefore}, integration.Network, "send", "no se pudo hablar con WhatsApp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := newMessenger(t, bilingual())
			m.phone(salonPhone)
			m.notify(salon, nil)
			m.fail(tc.fault)
			got := body(t, m.call(salon, http.MethodPost, messagesCall+"test", ""))
			if want := `{"steps":[{"step":"send","ok":false,"reason":"` + string(tc.why) + `"}],"message":"`; !strings.HasPrefix(got, want) {
				t.Errorf("answer %s", got)
			}
			if c := m.notices(salon); c.Status != integration.Connected || c.Reason != integration.NoReason {
				t.Errorf("connection %s, %q", c.Status, c.Reason)
			}
			if diff := cmp.Diff([]string{"connection_tested by platform " + string(tc.why) + " " + tc.kept}, m.doings()); diff != "" {
				t.Errorf("activities -want +got:\n%s", diff)
			}
			page := body(t, m.enter(m.claims(salon)).get(messagesPath+"test"))
			if !strings.Contains(page, "✗") || !strings.Contains(page, tc.says) || strings.Contains(page, "Google") {
				t.Errorf("the page does not say %q: %s", tc.says, page)
			}
		})
	}
}

// Nothing is sent while it is off or paused, without a phone, or so soon after
// another test.
func TestMessageTrialRefused(t *testing.T) {
	on := func(m *messenger) { m.notify(salon, nil) }
	for _, tc := range []struct {
		name     string
		given    func(*messenger)
		phone    string
		location string
		api      int
	}{
		{"off", func(*messenger) {}, salonPhone, "/settings?integration=whatsapp&result=off", 409},
		{"paused", func(m *messenger) { on(m); m.halt() }, salonPhone, "/settings?integration=whatsapp&result=paused", 503},
		{"no phone", on, "", messagesPath + "test?company=2", 422},
		{"local", on, "300 555 0000", messagesPath + "test?company=2", 422},
		{"local, of nobody", on, "555", messagesPath + "test?company=2", 422},
		{"no country", on, "+0573005550000", messagesPath + "test?company=2", 422},
		{"a moment ago", func(m *messenger) {
			on(m)
			m.call(salon, http.MethodPost, messagesCall+"test", "").Body.Close()
			m.whatsapp.ClearRequests()
		}, salonPhone, messagesPath + "test?company=2&result=too_soon", 409},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMessenger(t, bilingual())
			m.phone(tc.phone)
			tc.given(m)
			b := m.enter(m.claims(salon))
			res := b.post(messagesPath+"test", nil)
			res.Body.Close()
			if got := res.Header.Get("Location"); got != tc.location {
				t.Errorf("%d to %q", res.StatusCode, got)
			}
			checkProblem(t, m.call(salon, http.MethodPost, messagesCall+"test", ""), tc.api, "")
			if n := m.requests(); n > 0 {
				t.Errorf("WhatsApp was called %d times", n)
			}
			if tc.api == http.StatusUnprocessableEntity {
				page := body(t, b.get(tc.location))
				if !strings.Contains(page, "falta el teléfono") || strings.Contains(page, "<button") {
					t.Errorf("the page does not say what to do: %s", page)
				}
				if page := body(t, b.get("/settings")); !strings.Contains(page, "falta el teléfono") || strings.Contains(page, messagesPath+"test") {
					t.Error("the card does not say what to do")
				}
			}
		})
	}
}

// The phone is what the link said, or the caller's own token.
func TestMessageTrialPhone(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.notify(salon, nil)
	claims := m.claims(salon)
	claims.Phone = salonPhone
	b := m.enter(claims)
	b.post(messagesPath+"test", nil).Body.Close()
	m.now = m.now.Add(time.Minute)
	claims.Phone = "+573005550001"
	r := httptest.NewRequest(http.MethodPost, messagesCall+"test", nil)
	r.Header.Set("Authorization", "Bearer "+m.token(claims))
	m.do(r).Body.Close()
	var got []string
	for _, sent := range m.whatsapp.WhatsAppMessages() {
		got = append(got, "+"+sent.Recipient)
	}
	if diff := cmp.Diff([]string{salonPhone, "+573005550001"}, got); diff != "" {
		t.Errorf("sent to -want +got:\n%s", diff)
	}
	c, err := m.store.Company(t.Context(), salon)
	m.must(err)
	if c.Phone != salonPhone {
		t.Error("a token of the API changes what is kept of the company")
	}
}

// Tests of one integration, and of one company, don't keep others from theirs.
func TestTrialLimit(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	l := newLimiter(testEvery, 1, func() time.Time { return now })
	if !l.allow(salon, integration.WhatsApp) || !l.allow(salon, integration.GoogleCalendar) || !l.allow(clinic, integration.WhatsApp) {
		t.Error("somebody is kept from a first test")
	}
	if now = now.Add(testEvery - 1); l.allow(salon, integration.WhatsApp) {
		t.Error("two tests at once")
	}
	if now = now.Add(1); !l.allow(salon, integration.WhatsApp) {
		t.Error("no test after a while")
	}
}

func TestMessageReason(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want integration.Reason
		code string
	}{
		{nil, integration.NoReason, ""},
		{&whatsapp.Error{Reason: integration.Quota, Code: 131056, Status: 400}, integration.Quota, "131056"},
		{&whatsapp.Error{Reason: integration.Outage, Status: 502}, integration.Outage, ""},
		{whatsapp.ErrNoTemplate, integration.Internal, ""},
		{errors.New("something else"), integration.Internal, ""},
	} {
		if got, code := messageReason(tc.err), messageCode(tc.err); got != tc.want || code != tc.code {
			t.Errorf("%v: %s, %q", tc.err, got, code)
		}
	}
}

// A message that was never to begin, since everything was switched off
// meanwhile, is no failure of anybody's.
func TestMessageTrialHalted(t *testing.T) {
	m := newMessenger(t, bilingual())
	m.phone(salonPhone)
	m.notify(salon, nil)
	m.deps.Sender = halting{m}
	var err error
	m.handler, err = New(m.deps)
	m.must(err)
	got := body(t, m.call(salon, http.MethodPost, messagesCall+"test", ""))
	if !strings.Contains(got, `"reason":"switched_off"`) || !strings.Contains(got, "en pausa para todas las empresas") || m.requests() > 0 {
		t.Errorf("%d calls, answer %s", m.requests(), got)
	}
}

// halting is the sender of an installation that is switched off as it is asked.
type halting struct{ m *messenger }

func (h halting) Test(ctx context.Context, company integration.Company, o integration.Options) error {
	h.m.halt()
	s, err := whatsapp.New(whatsapp.Deps{
		Sender: config.WhatsAppSender{
			Token: config.NewSecret(sandbox.DefaultWhatsAppToken), PhoneNumberID: sandbox.DefaultWhatsAppPhoneNumberID, Templates: bilingual(),
		},
		Installation: "test", HTTP: &http.Client{Transport: h.m.whatsapp.Transport()},
		Allowed: func(ctx context.Context) bool {
			e, err := h.m.store.Entry(ctx, integration.WhatsApp)
			return err == nil && e.Enabled
		},
	})
	if err != nil {
		return err
	}
	return s.Test(ctx, company, o)
}
