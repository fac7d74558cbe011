package whatsapp

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/config"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
)

// newWorld returns a sender and the stand-in that it sends to. It belongs in a
// bubble of testing/synctest.
func newWorld(t *testing.T) (*Sender, *sandbox.Sandbox) {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	s, err := New(Deps{Sender: sender(), Installation: "test", HTTP: &http.Client{Transport: box.Transport()}})
	if err != nil {
		t.Fatal(err)
	}
	return s, box
}

func sender() config.WhatsAppSender {
	both := []string{"es", "en"}
	return config.WhatsAppSender{
		Token: config.NewSecret(sandbox.DefaultWhatsAppToken), PhoneNumberID: sandbox.DefaultWhatsAppPhoneNumberID,
		Emulator: &url.URL{Scheme: "https", Host: "whatsapp.test"},
		Templates: config.Templates{
			booking.Reserved: {Name: "booking_reserved", Languages: both}, booking.Confirmed: {Name: "booking_confirmed", Languages: both},
		},
	}
}

// fresh is task before anything was sent.
func fresh() integration.Task {
	t := task()
	t.Now, t.At = time.Now(), time.Now().Add(-time.Minute)
	t.Booking.Start = time.Date(2026, time.December, 1, 15, 5, 0, 0, time.UTC).In(time.FixedZone("", -5*3600))
	t.Connection.ChangedAt = time.Now().Add(-time.Hour)
	t.Delivery = integration.Delivery{Status: integration.Pending, Revision: 2, UpdatedAt: time.Now()}
	return t
}

// deliver decides and, if that is asked for, acts, as the engine does.
func deliver(s *Sender, t *integration.Task) integration.Result {
	dec := s.Decide(*t)
	if t.Delivery = dec.Delivery; !dec.Call {
		return integration.Result{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r := s.Act(ctx, *t)
	t.Delivery = r.Delivery
	return r
}

// TestMessage: what a customer reads.
func TestMessage(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*integration.Task)
		want   []string
		not    string
	}{
		"spanish": {func(*integration.Task) {}, []string{"Ana Ruiz", "Salón Sol", "Corte de pelo", "martes, 1 de diciembre de 2026", "10:05"}, ""},
		"english, by the company": {
			func(t *integration.Task) { t.Company.Locale = "en" },
			[]string{"Ana Ruiz", "Salón Sol", "Corte de pelo", "Tuesday, December 1, 2026", "10:05 am"},
			"martes",
		},
		"english, by option": {func(t *integration.Task) { t.Connection.Options.Language = "en" }, []string{"Tuesday"}, "martes"},
		"nothing known": {func(t *integration.Task) {
			t.Company.Name, t.Booking.Customer.Name, t.Booking.Service = "", "", ""
		}, []string{"cliente", "el establecimiento", "tu cita"}, ""},
		"signs that no template takes": {func(t *integration.Task) {
			t.Booking.Service = "Corte\n\n\ty      tinte " + strings.Repeat("largo ", 100)
		}, []string{"Corte y tinte largo", "…"}, "    "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, box := newWorld(t)
				task := fresh()
				tt.change(&task)
				if r := deliver(s, &task); r.Outcome != integration.Settled || task.Delivery.Status != integration.Done {
					t.Fatalf("%+v", r)
				}
				got := box.WhatsAppMessages()
				if len(got) != 1 || got[0].Recipient != "573001112233" || got[0].ID != task.Delivery.ExternalID {
					t.Fatalf("messages %+v", got)
				}
				for _, want := range tt.want {
					if !strings.Contains(got[0].Text, want) {
						t.Errorf("the message has no %q:\n%s", want, got[0].Text)
					}
				}
				if tt.not != "" && strings.Contains(got[0].Text, tt.not) {
					t.Errorf("the message has %q:\n%s", tt.not, got[0].Text)
				}
			})
		})
	}
}

// documented is the class of every code that the stand-in knows and that is not
// the operator's to mend, as the page "Error codes" describes it.
var documented = map[int]integration.Reason{
	1: integration.Outage, 2: integration.Outage, 131000: integration.Outage, 131016: integration.Outage, 131057: integration.Outage,
	133004: integration.Outage, 134101: integration.Outage,
	4: integration.Quota, 80007: integration.Quota, 130429: integration.Quota, 131056: integration.Quota,
	130403: integration.Rejected, 130472: integration.Rejected, 130497: integration.Rejected, 131009: integration.Rejected,
	131021: integration.Rejected, 131026: integration.Rejected, 131047: integration.Rejected, 131049: integration.Rejected,
	131050: integration.Rejected, 132005: integration.Rejected,
}

// TestEveryCode: an answer with any code leads to its class: refused for good,
// or tried again with nothing in flight, and never counted as sent.
func TestEveryCode(t *testing.T) {
	codes := sandbox.WhatsAppErrors()
	if len(codes) < 50 {
		t.Fatalf("%d codes", len(codes))
	}
	for _, e := range codes {
		synctest.Test(t, func(t *testing.T) {
			s, box := newWorld(t)
			if _, err := box.AddFault(sandbox.Fault{
				Operation: sandbox.OpWhatsAppSend, Action: sandbox.Answer, Reason: strconv.Itoa(e.Code), Status: e.Status,
			}); err != nil {
				t.Fatal(err)
			}
			want, ok := documented[e.Code]
			if !ok {
				want = integration.Internal
			}
			task := fresh()
			r := deliver(s, &task)
			d := task.Delivery
			known := d.Reason == want && d.Sent.Sends == 0 && d.Sent.Told == (integration.Message{}) && !r.InFlight
			switch {
			case e.Code == 0: // without a code, the status has to do
				known = d.Reason == integration.Outage && d.Sent.Sends == 0
			case want == integration.Rejected:
				known = known && r.Outcome == integration.Settled && d.Status == integration.Failed && d.Detail == strconv.Itoa(e.Code)
			default:
				known = known && r.Outcome == integration.Retry
			}
			if !known {
				t.Errorf("code %d (%d): %+v", e.Code, e.Status, r)
			}
			if n := len(box.WhatsAppMessages()); n > 0 {
				t.Errorf("code %d: %d messages", e.Code, n)
			}
		})
	}
}

// TestFates: what is not known to have failed counts as a send, and is not
// repeated.
func TestFates(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   sandbox.Fault
		outcome integration.Outcome
		reason  integration.Reason
		sends   int
		calls   int
	}{
		"no answer":           {sandbox.Fault{Action: sandbox.AnswerLate, Late: time.Minute}, integration.Unsure, integration.Outage, 1, 1},
		"connection lost":     {sandbox.Fault{Action: sandbox.DropAfter}, integration.Unsure, integration.Network, 1, 1},
		"500 without a word":  {sandbox.Fault{Action: sandbox.Garbage, Status: 500}, integration.Unsure, integration.Outage, 1, 1},
		"200 of a proxy":      {sandbox.Fault{Action: sandbox.Garbage, Status: 200}, integration.Unsure, integration.Outage, 1, 1},
		"redirection":         {sandbox.Fault{Action: sandbox.Garbage, Status: 302}, integration.Retry, integration.Outage, 0, 1},
		"429 without a word":  {sandbox.Fault{Action: sandbox.Garbage, Status: 429}, integration.Retry, integration.Quota, 0, 1},
		"busy, tried again":   {sandbox.Fault{Reason: "130429", Action: sandbox.Answer}, integration.Retry, integration.Quota, 0, 2},
		"busy for a moment":   {sandbox.Fault{Reason: "130429", Action: sandbox.Answer, Times: 1}, integration.Settled, "", 1, 2},
		"too many to one":     {sandbox.Fault{Reason: "131056", Action: sandbox.Answer}, integration.Retry, integration.Quota, 0, 1},
		"busy for a minute":   {sandbox.Fault{Reason: "130429", Action: sandbox.Answer, RetryAfter: time.Minute}, integration.Retry, integration.Quota, 0, 1},
		"the token is no use": {sandbox.Fault{Reason: "190", Action: sandbox.Answer}, integration.Retry, integration.Internal, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, box := newWorld(t)
				tt.fault.Operation = sandbox.OpWhatsAppSend
				if _, err := box.AddFault(tt.fault); err != nil {
					t.Fatal(err)
				}
				task := fresh()
				r := deliver(s, &task)
				if r.Outcome != tt.outcome || r.Reason != tt.reason || r.InFlight != (tt.outcome == integration.Unsure) || task.Delivery.Sent.Sends != tt.sends {
					t.Errorf("%+v, error %v", r, r.Err)
				}
				if n := len(box.Requests()); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
				if r.Err != nil && (strings.Contains(r.Err.Error(), "57300") || strings.Contains(r.Err.Error(), "Ana")) {
					t.Errorf("the error is personal: %v", r.Err)
				}
			})
		})
	}
}

// TestNotAllowed: the switch is looked at before each call.
func TestNotAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, box := newWorld(t)
		s.deps.Allowed = func(context.Context) bool { return false }
		task := fresh()
		if r := deliver(s, &task); r.Outcome != integration.Retry || task.Delivery.Sent.Sends != 0 || len(box.Requests()) > 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, box := newWorld(t)
		company := fresh().Company
		company.Phone = "+573009998877"
		if err := s.Test(t.Context(), company, integration.Options{}); err != nil {
			t.Fatal(err)
		}
		got := box.WhatsAppMessages()
		if len(got) != 1 || got[0].Recipient != "573009998877" || !strings.Contains(got[0].Text, "mensaje de prueba") || got[0].CallbackData != "" {
			t.Errorf("messages %+v", got)
		}
		for template, mute := range map[string]integration.Mute{
			"booking_confirmed": {Reserved: true}, "booking_reserved": {Confirmed: true},
		} {
			if err := box.ClearWhatsAppMessages(); err != nil {
				t.Fatal(err)
			}
			if err := s.Test(t.Context(), company, integration.Options{Mute: mute}); err != nil {
				t.Fatal(err)
			}
			if got := box.WhatsAppMessages(); len(got) != 1 || got[0].Template != template {
				t.Errorf("with the notices of %+v turned off: messages %+v", mute, got)
			}
		}
	})
}

func TestCallback(t *testing.T) {
	for _, id := range []string{"2", "a.b/c:d e", strings.Repeat("ñ", 64)} {
		c := callback{"project/(default)", booking.CompanyID(id), booking.ID(id), booking.Confirmed, 1 << 62}
		s := c.String()
		if len(s) > 512 {
			t.Errorf("%d characters", len(s))
		}
		got, err := parseCallback(s, c.Installation)
		if diff := cmp.Diff(c, got); diff != "" || err != nil {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
		if _, err := parseCallback(s, "another"); err == nil {
			t.Error("another installation's is taken")
		}
	}
	for _, s := range []string{
		"", "c1", "c1......", "c2." + mark("x") + ".Mg.Mg.confirmed.1", "c1." + mark("x") + ".M!.Mg.confirmed.1",
		"c1." + mark("x") + ".Mg.Mg.postponed.1", "c1." + mark("x") + ".Mg.Mg.confirmed.one",
	} {
		if c, err := parseCallback(s, "x"); err == nil {
			t.Errorf("%q is read as %+v", s, c)
		}
	}
}

func TestReceipts(t *testing.T) {
	mine := callback{"test", "2", "981", booking.Confirmed, 3}.String()
	body := `{"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {"statuses": [
		{"id": "wamid.1", "status": "sent", "timestamp": "1764000000", "biz_opaque_callback_data": "` + mine + `"},
		{"id": "wamid.2", "status": "failed", "timestamp": "1764000001", "biz_opaque_callback_data": "` + mine + `", "errors": [{"code": 131026}]},
		{"id": "wamid.3", "status": "sent", "timestamp": "1764000000"},
		{"id": "wamid.4", "status": "warming_up", "timestamp": "1764000000", "biz_opaque_callback_data": "` + mine + `"},
		{"id": "wamid.5", "status": "sent", "timestamp": "soon", "biz_opaque_callback_data": "` + mine + `"}]}},
		{"field": "account_update", "value": {"event": "x"}}]}]}`
	got, err := Receipts([]byte(body), "test")
	want := []Told{
		{"2", "981", integration.Receipt{ID: "wamid.1", Kind: booking.Confirmed, Revision: 3, Status: sent, At: time.Unix(1764000000, 0).UTC()}},
		{"2", "981", integration.Receipt{
			ID: "wamid.2", Kind: booking.Confirmed, Revision: 3, Status: failure, Code: "131026", At: time.Unix(1764000001, 0).UTC(),
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if _, err := Receipts([]byte("<html>"), "test"); err == nil {
		t.Error("a page is read")
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add([]byte(`{"entry":[{"changes":[{"value":{"statuses":[{"id":"x","status":"read","timestamp":"1"}]}}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := Receipts(body, "test")
		if err != nil && got != nil {
			t.Error("receipts and an error")
		}
	})
}

func TestSigned(t *testing.T) {
	body := []byte(`{"a":1}`)
	mac := signature(body, "secret")
	for header, want := range map[string]bool{
		mac: true, strings.ToUpper(mac): false, strings.TrimPrefix(mac, "sha256="): false, "": false, "sha256=": false, "sha256=zz": false,
	} {
		if Signed(body, header, "secret") != want {
			t.Errorf("%q: %v", header, !want)
		}
	}
	if Signed(body, signature(body, ""), "") {
		t.Error("without a secret anybody can sign")
	}
}
