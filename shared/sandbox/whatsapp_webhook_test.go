package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestStatuses: what is told of a message, in Meta's form.
func TestStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		begin := time.Now()
		id := w.mustSend(map[string]any{"biz_opaque_callback_data": "compañía/981/1 😀"})
		w.s.Wait()
		if got := time.Since(begin); got != 2*time.Second {
			t.Errorf("told after %v", got)
		}
		pricing := &webhookPricing{Billable: true, Model: "PMP", Type: "regular", Category: "utility"}
		status := func(s MessageStatus, at time.Duration) webhookStatus {
			return webhookStatus{
				ID: id, Status: s, Timestamp: unixSeconds(begin.Add(at)), RecipientID: "573001112233", CallbackData: "compañía/981/1 😀",
				Pricing: pricing, Conversation: &webhookConversation{ID: p.statuses[0].Conversation.ID, Origin: webhookOrigin{"utility"}},
			}
		}
		want := []webhookStatus{status(Sent, 500*time.Millisecond), status(Delivered, 2*time.Second)}
		want[0].Conversation.Expires = unixSeconds(begin.Add(24*time.Hour + 500*time.Millisecond))
		if diff := cmp.Diff(want, p.statuses); diff != "" {
			t.Error(diff)
		}
		for _, m := range w.s.WhatsAppMessages()[0].Statuses {
			if m.Told.IsZero() || m.Attempts != 1 || m.Answer != http.StatusOK || m.Problem != "" {
				t.Errorf("got %+v", m)
			}
		}
	})
}

// TestVersion24: a conversation is told of no more.
func TestVersion24(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for version, want := range map[string]bool{"v23.0": true, "v24.0": false, "v100.0": false} {
			w, p := writer(t, Options{})
			if _, _, err := w.graph(t.Context(), "/"+version+"/"+DefaultWhatsAppPhoneNumberID+"/messages", DefaultWhatsAppToken, message(nil)); err != nil {
				t.Fatal(err)
			}
			w.s.Wait()
			for _, s := range p.statuses {
				if (s.Conversation != nil) != want || s.Pricing == nil {
					t.Errorf("%s: got %+v", version, s)
				}
			}
			if len(p.statuses) != 2 {
				t.Errorf("%s: %d statuses", version, len(p.statuses))
			}
		}
	})
}

// TestWebhookBody against an example of Meta's page.
func TestWebhookBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		w.mustFault(Fault{Operation: OpWhatsAppSend, Reason: "131049"})
		_, answer, err := w.graph(t.Context(), "/v24.0/"+DefaultWhatsAppPhoneNumberID+"/messages", DefaultWhatsAppToken,
			message(map[string]any{"biz_opaque_callback_data": "ñ/😀"}))
		if err != nil {
			t.Fatal(err)
		}
		var a sendAnswer
		if err := json.Unmarshal(answer, &a); err != nil {
			t.Fatal(err)
		}
		w.s.Wait()
		want := `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp",` +
			`"metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"statuses":[{"id":"` + a.Messages[0].ID +
			`","status":"failed","timestamp":"946684800","recipient_id":"573001112233","biz_opaque_callback_data":"\u00f1/\ud83d\ude00",` +
			`"errors":[{"code":131049,"title":"This message was not delivered to maintain healthy ecosystem engagement.",` +
			`"message":"This message was not delivered to maintain healthy ecosystem engagement.",` +
			`"error_data":{"details":"In order to maintain a healthy ecosystem engagement, the message failed to be delivered."},` +
			`"href":"/documentation/business-messaging/whatsapp/support/error-codes"}]}]},"field":"messages"}]}]}`
		if diff := cmp.Diff([]string{want}, p.bodies); diff != "" {
			t.Error(diff)
		}
	})
}

// TestStatusesChosen: order, repetition, delay and loss.
func TestStatusesChosen(t *testing.T) {
	const s = time.Second
	for name, tt := range map[string]struct {
		plan []PlannedStatus
		want []string
		end  time.Duration
	}{
		"nothing":   {[]PlannedStatus{}, nil, 0},
		"lost":      {[]PlannedStatus{{Status: Delivered, After: s}}, []string{"delivered"}, s},
		"reversed":  {[]PlannedStatus{{Status: Sent, Late: 3 * s}, {Status: Delivered, After: s}, {Status: Read, After: 2 * s}}, []string{"delivered", "read", "sent"}, 3 * s},
		"repeated":  {[]PlannedStatus{{Status: Sent, Times: 3}}, []string{"sent", "sent", "sent"}, 0},
		"late":      {[]PlannedStatus{{Status: Sent, Late: 24 * time.Hour}}, []string{"sent"}, 24 * time.Hour},
		"failed":    {[]PlannedStatus{{Status: Sent}, {Status: Failed, Code: 131026, After: s}}, []string{"sent", "failed 131026"}, s},
		"code zero": {[]PlannedStatus{{Status: Failed}}, []string{"failed 0"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, p := writer(t, Options{})
				if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{Statuses: tt.plan}); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				w.mustSend(nil)
				w.s.Wait()
				p.want(t, tt.want...)
				if got := time.Since(begin); got != tt.end {
					t.Errorf("ended after %v, want %v", got, tt.end)
				}
			})
		})
	}
}

// TestTellingAgain: anything but 200 is no delivery, and tries are further and
// further apart.
func TestTellingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		p.answers = []int{0, http.StatusServiceUnavailable, http.StatusNoContent, http.StatusFound}
		if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{Statuses: []PlannedStatus{{Status: Sent}}}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		w.mustSend(nil)
		time.Sleep(1500 * time.Millisecond)
		if got := w.s.WhatsAppMessages()[0].Statuses[0]; got.Attempts != 2 || got.Answer != 503 || got.Problem != "the receiver answered with 503" || !got.Told.IsZero() {
			t.Errorf("got %+v", got)
		}
		w.s.Wait()
		p.want(t, "sent")
		var after []time.Duration
		for _, at := range p.arrivals {
			after = append(after, at.Sub(begin)/time.Second)
		}
		if diff := cmp.Diff([]time.Duration{0, 1, 3, 7, 15}, after); diff != "" {
			t.Error(diff)
		}
		if p.shaken != 1 {
			t.Errorf("%d handshakes", p.shaken)
		}
		if got := w.s.WhatsAppMessages()[0].Statuses[0]; got.Attempts != 5 || got.Problem != "" || !got.Told.Equal(begin.Add(15*time.Second)) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestTellingGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		p.answers = slices.Repeat([]int{500}, 100)
		if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{Statuses: []PlannedStatus{{Status: Sent}}, Tries: 3}); err != nil {
			t.Fatal(err)
		}
		w.mustSend(nil)
		w.s.Wait()
		if got := w.s.WhatsAppMessages()[0].Statuses[0]; got.Attempts != 3 || !got.Told.IsZero() || len(p.arrivals) != 3 {
			t.Errorf("got %+v after %d", got, len(p.arrivals))
		}
	})
}

// TestVerification: nothing is told to a receiver that does not shake hands.
func TestVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		p.refuse, p.delay = true, 100*time.Millisecond
		if got := w.s.WhatsAppVerification(); got != (Verification{URL: callbackURL}) {
			t.Errorf("got %+v", got)
		}
		if err := w.s.VerifyWhatsAppCallback(t.Context()); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("got %v", err)
		}
		if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{Statuses: []PlannedStatus{{Status: Sent}, {Status: Delivered}}}); err != nil {
			t.Fatal(err)
		}
		w.mustSend(nil)
		time.Sleep(time.Second)
		want := Verification{URL: callbackURL, At: w.s.WhatsAppVerification().At, Status: 403, Problem: "the receiver answered the handshake with 403"}
		if diff := cmp.Diff(want, w.s.WhatsAppVerification()); diff != "" {
			t.Error(diff)
		}
		if len(p.arrivals) != 0 {
			t.Error("told without a handshake")
		}
		p.mu.Lock()
		p.refuse, p.shaken = false, 0
		p.mu.Unlock()
		w.s.Wait()
		if got := w.s.WhatsAppVerification(); !got.OK || got.Problem != "" || p.shaken != 1 {
			t.Errorf("got %+v after %d handshakes", got, p.shaken)
		}
		if got := p.told(); len(got) != 2 {
			t.Errorf("told %v", got)
		}
	})
}

func TestVerificationRefused(t *testing.T) {
	w, p := writer(t, Options{WhatsApp: WhatsApp{VerifyToken: "another"}})
	if err := w.s.VerifyWhatsAppCallback(t.Context()); err == nil || w.s.WhatsAppVerification().OK || p.shaken != 1 {
		t.Errorf("got %v", err)
	}
	w, p = writer(t, Options{})
	p.mangle = true
	if err := w.s.VerifyWhatsAppCallback(t.Context()); err == nil || w.s.WhatsAppVerification().OK || w.s.WhatsAppVerification().Status != http.StatusOK {
		t.Errorf("got %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.s.VerifyWhatsAppCallback(gone); err == nil || strings.Contains(err.Error(), DefaultWhatsAppVerifyToken) {
		t.Errorf("got %v", err)
	}
	if err := local(t, Options{}).s.VerifyWhatsAppCallback(t.Context()); err == nil {
		t.Error("verified nowhere")
	}
}

// TestCloseEndsTelling, also in the middle of a call, and a sandbox that is made
// later from the same directory tells the rest.
func TestCloseEndsTelling(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{Dir: dir})
		p.delay = time.Minute
		id := w.mustSend(nil)
		time.Sleep(5 * time.Second)
		begin := time.Now()
		w.s.Close()
		w.s.Close()
		if time.Since(begin) != 0 || len(p.told()) != 0 {
			t.Errorf("closed after %v", time.Since(begin))
		}
		w.mustSend(nil) // served, told later
		w, p = writer(t, Options{Dir: dir})
		w.s.Wait()
		if got := p.told(); len(got) != 4 {
			t.Errorf("told %v", got)
		}
		if m := w.s.WhatsAppMessages(); len(m) != 2 || m[0].ID != id || m[0].Statuses[0].Attempts != 1 {
			t.Errorf("got %+v", m)
		}
		w, p = writer(t, Options{Dir: dir})
		w.s.Wait()
		if got := p.told(); len(got) != 0 {
			t.Errorf("told again: %v", got)
		}
	})
}

func TestForgottenMessageIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		w.mustSend(nil)
		time.Sleep(time.Second)
		if err := w.s.ClearWhatsAppMessages(); err != nil {
			t.Fatal(err)
		}
		w.s.Wait()
		p.want(t, "sent")
	})
}

// TestReading: a conversation that is opened is read once, and only what was
// delivered.
func TestReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		w.mustSend(nil)
		w.mustSend(map[string]any{"to": otherPhone})
		read := func() {
			t.Helper()
			if err := w.s.ReadConversation(anasPhone); err != nil {
				t.Fatal(err)
			}
			w.s.Wait()
		}
		if err := w.s.ReadConversation(anasPhone); err != nil { // too early
			t.Fatal(err)
		}
		w.s.Wait()
		if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{NoReadReceipts: true}); err != nil {
			t.Fatal(err)
		}
		read()
		if slices.Contains(p.told(), "read") {
			t.Errorf("got %v", p.told())
		}
		if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{}); err != nil {
			t.Fatal(err)
		}
		read()
		read()
		if got := p.told(); len(got) != 5 || got[4] != "read" {
			t.Errorf("got %v", got)
		}
		if last := p.statuses[4]; last.RecipientID != "573001112233" || last.Pricing != nil {
			t.Errorf("got %+v", last)
		}
	})
}

// TestTellStatus: anything can become of a message, also what never does.
func TestTellStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := writer(t, Options{})
		id := w.mustSend(nil)
		w.s.Wait()
		for _, s := range []PlannedStatus{{Status: Failed, Code: 131026}, {Status: Sent, Times: 2}, {Status: Read, After: time.Second, Late: time.Second}} {
			if err := w.s.TellWhatsAppStatus(id, s); err != nil {
				t.Fatal(err)
			}
			w.s.Wait()
		}
		p.want(t, "sent", "delivered", "failed 131026", "sent", "sent", "read")
		for _, s := range []PlannedStatus{{}, {Status: Accepted}, {Status: Sent, Code: 1}, {Status: Failed, Code: 7}, {Status: Sent, Late: -1}} {
			if err := w.s.TellWhatsAppStatus(id, s); err == nil {
				t.Errorf("took %+v", s)
			}
			if err := w.s.SetWhatsAppBehaviour(WhatsAppBehaviour{Statuses: []PlannedStatus{s}}); err == nil {
				t.Errorf("took %+v", s)
			}
		}
		if err := w.s.TellWhatsAppStatus("wamid.none", PlannedStatus{Status: Sent}); err == nil {
			t.Error("told of no message")
		}
	})
}

// TestNobodyToTell: without a receiver statuses happen all the same.
func TestNobodyToTell(t *testing.T) {
	c := newClock()
	w := local(t, Options{Now: c.now})
	w.mustSend(nil)
	w.s.Wait()
	m := w.s.WhatsAppMessages()[0]
	for after, want := range map[time.Duration]MessageStatus{0: Accepted, time.Second: Sent, 2 * time.Second: Delivered} {
		if got := m.StatusAt(c.at.Add(after)); got != want {
			t.Errorf("after %v: %s", after, got)
		}
	}
}

// TestMessagesAreForgotten, the oldest first.
func TestMessagesAreForgotten(t *testing.T) {
	w := local(t, Options{})
	for i := range 2*maxMessages + 1 {
		m := WhatsAppMessage{ID: everyone(i)}
		if err := w.s.whatsapp.accept(m, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.s.WhatsAppMessages(); len(got) != maxMessages+1 || got[maxMessages].ID != everyone(2*maxMessages) {
		t.Errorf("%d messages, the last %s", len(got), got[len(got)-1].ID)
	}
}
