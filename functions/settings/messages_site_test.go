package settings

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/whatsapp"
)

const (
	messagesPath = "/settings/integrations/whatsapp/"
	messagesCall = "/v1/integrations/whatsapp/"
	salonPhone   = "+573005550000"
)

// messenger is a site whose installation sends notices to customers.
type messenger struct {
	*site
	whatsapp *sandbox.Sandbox
}

func bilingual() config.Templates {
	t := config.Templates{}
	for _, kind := range []booking.Kind{booking.Reserved, booking.Confirmed, booking.Deleted} {
		t[kind] = config.Template{Name: "booking_" + string(kind), Languages: []string{"es", "en"}}
	}
	return t
}

func newMessenger(t *testing.T, templates config.Templates, adapt ...func(*Deps)) *messenger {
	t.Helper()
	m := &messenger{}
	m.site = newSite(t, append([]func(*Deps){func(d *Deps) {
		var err error
		if m.whatsapp, err = sandbox.New(sandbox.Options{Now: d.Now}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.whatsapp.Close)
		switches := converge.NewCatalogue(d.Store, d.Now)
		d.Templates = templates
		d.Sender, err = whatsapp.New(whatsapp.Deps{
			Sender: config.WhatsAppSender{
				Token: config.NewSecret(sandbox.DefaultWhatsAppToken), PhoneNumberID: sandbox.DefaultWhatsAppPhoneNumberID, Templates: templates,
			},
			Installation: "test", HTTP: &http.Client{Transport: m.whatsapp.Transport()}, Now: d.Now, Log: d.Log,
			Allowed: func(ctx context.Context) bool { return switches.Allowed(ctx, integration.WhatsApp) },
		})
		if err != nil {
			t.Fatal(err)
		}
	}}, adapt...)...)
	return m
}

// phone is what a link said of the salon's phone.
func (s *site) phone(number string) {
	s.Helper()
	c, err := s.store.Company(s.Context(), salon)
	s.must(err)
	c.Phone = number
	s.must(s.store.PutCompany(s.Context(), &c))
}

// notify stores a company's notices to customers as switched on two days ago,
// as change makes them.
func (s *site) notify(company booking.CompanyID, change func(*integration.Connection)) {
	s.Helper()
	c := s.notices(company)
	c.Enabled, c.Status, c.ChangedAt, c.CreatedAt = true, integration.Connected, s.now.Add(-48*time.Hour), s.now.Add(-48*time.Hour)
	if change != nil {
		change(&c)
	}
	s.must(s.store.PutConnection(s.Context(), company, &c))
}

func (s *site) notices(company booking.CompanyID) integration.Connection {
	s.Helper()
	c, err := s.store.Connection(s.Context(), company, integration.WhatsApp)
	s.must(err)
	return c
}

// halt switches the notices off for every company.
func (s *site) halt() {
	s.Helper()
	e, err := s.store.Entry(s.Context(), integration.WhatsApp)
	s.must(err)
	e.Enabled, e.ChangedAt = false, s.now
	s.must(s.store.PutEntry(s.Context(), &e))
}

// requests counts what WhatsApp was asked.
func (m *messenger) requests() (n int) { return len(m.whatsapp.Requests()) }

// fail makes WhatsApp fail from now on.
func (m *messenger) fail(f sandbox.Fault) {
	m.Helper()
	f.Operation = sandbox.OpWhatsAppSend
	_, err := m.whatsapp.AddFault(f)
	m.must(err)
}

// doings are the salon's activities of WhatsApp, newest first, in short.
func (s *site) doings() (out []string) {
	s.Helper()
	page, err := s.store.ListActivity(s.Context(), salon, "", 100)
	s.must(err)
	for _, a := range page.Items {
		if a.Integration == integration.WhatsApp {
			out = append(out, a.Kind+" by "+a.Actor+" "+a.Outcome+" "+a.Detail)
		}
	}
	return out
}

// told is a booking whose message was sent half an hour ago, as change makes
// the delivery; its steps follow from it.
func (s *site) told(change func(*integration.Delivery)) func(*store.Booking) {
	return func(b *store.Booking) {
		about := integration.Message{Kind: b.State, Revision: b.Revision, Start: b.Booking.Start.UTC()}
		at := s.now.Add(-30 * time.Minute)
		d := integration.Delivery{
			Status: integration.Done, Revision: b.Revision, ExternalID: "wamid.A", UpdatedAt: at,
			Sent: integration.Sent{Announced: about, Told: about, Sends: 1},
		}
		b.History = append(b.History, store.Step{At: at, Kind: whatsapp.StepSent, Integration: integration.WhatsApp, Outcome: "ok"})
		if change != nil {
			change(&d)
		}
		b.Deliveries[integration.WhatsApp] = d
	}
}

// receipt has WhatsApp tell of the message.
func (s *site) receipt(st integration.ReceiptStatus, code string) func(*integration.Delivery) {
	return func(d *integration.Delivery) {
		a := d.Sent.Announced
		d.Receipt = integration.Receipt{ID: d.ExternalID, Kind: a.Kind, Revision: a.Revision, Status: st, Code: code, At: s.now.Add(-20 * time.Minute)}
	}
}

// unheard is a booking whose message failed for good.
func (s *site) unheard(why integration.Reason, detail string) func(*store.Booking) {
	return func(b *store.Booking) {
		s.told(func(d *integration.Delivery) {
			d.Status, d.Reason, d.Detail, d.Sent.Told = integration.Failed, why, detail, integration.Message{}
		})(b)
		b.History[len(b.History)-1] = store.Step{
			At: s.now.Add(-30 * time.Minute), Kind: store.StepDelivery, Integration: integration.WhatsApp,
			Outcome: string(integration.Failed), Detail: string(why) + ": " + detail,
		}
	}
}

// untold is a booking of which no message was sent.
func (s *site) untold(st integration.DeliveryStatus, why string) func(*store.Booking) {
	return func(b *store.Booking) {
		b.Deliveries[integration.WhatsApp] = integration.Delivery{Status: st, Revision: b.Revision, UpdatedAt: s.now.Add(-time.Hour)}
		b.History = append(b.History, store.Step{
			At: s.now.Add(-time.Hour), Kind: store.StepDelivery, Integration: integration.WhatsApp, Outcome: string(st), Detail: why,
		})
	}
}

// telling is a booking whose message is under way, after so many failures.
func (s *site) telling(attempts, sends int, why integration.Reason) func(*store.Booking) {
	return s.told(func(d *integration.Delivery) {
		d.Status, d.Sent.Told, d.Sent.Sends, d.ExternalID = integration.Pending, integration.Message{}, sends, ""
		d.Attempts, d.Reason = attempts, why
		if attempts > 0 {
			d.NextAttemptAt = s.now.Add(3 * time.Minute)
		}
	})
}
