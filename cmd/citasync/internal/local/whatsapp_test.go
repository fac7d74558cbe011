package local

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/sandbox"
	"github.com/citasync/citasync/shared/store"
	"github.com/citasync/citasync/shared/whatsapp"
)

// TestNotices: one message when a booking is reserved, one when it is
// confirmed, none for what is repeated or late, one more when its hour changes.
func TestNotices(t *testing.T) {
	notified(t, true, sandbox.WhatsAppBehaviour{}, func(w *world) {
		reserved := news(booking.Reserved, "1", "corte")
		time.Sleep(time.Second)
		confirmed := news(booking.Confirmed, "1", "corte")
		w.apply(reserved)
		w.wantMessages("reserved", "reserved")
		w.apply(confirmed)
		w.wantMessages("confirmed", "reserved", "confirmed")
		for range 20 {
			w.apply(reserved, confirmed)
		}
		w.wantMessages("told twenty times more", "reserved", "confirmed")
		time.Sleep(time.Second)
		noted := news(booking.Confirmed, "1", "corte y tinte")
		w.apply(noted)
		w.wantMessages("changed, at the same hour", "reserved", "confirmed")
		w.wantNotice("changed, at the same hour", "1", integration.Done, "")
		time.Sleep(2 * time.Hour)
		moved := news(booking.Confirmed, "1", "corte")
		w.apply(moved)
		w.wantMessages("moved", "reserved", "confirmed", "confirmed")
		time.Sleep(time.Minute)
		w.apply(news(booking.Deleted, "1", ""))
		w.wantMessages("deleted", "reserved", "confirmed", "confirmed", "deleted")
		w.maintain(10*time.Minute, time.Minute)
		w.google.Wait()
		w.wantMessages("at last", "reserved", "confirmed", "confirmed", "deleted")
		if d := w.notice("1"); d.Receipt.Status != integration.ReceiptDelivered || d.Status != integration.Done {
			t.Errorf("the last message: %+v", d)
		}
	})
}

// TestReserveAndConfirmAtOnce: in either order the right message is the last
// one, and never a stale one after a newer one.
func TestReserveAndConfirmAtOnce(t *testing.T) {
	for _, order := range []string{"reserved first", "confirmed first", "side by side"} {
		t.Run(order, func(t *testing.T) {
			notified(t, true, sandbox.WhatsAppBehaviour{}, func(w *world) {
				reserved := news(booking.Reserved, "1", "corte")
				time.Sleep(300 * time.Millisecond)
				confirmed := news(booking.Confirmed, "1", "corte")
				want := []string{"reserved", "confirmed"}
				switch order {
				case "reserved first":
					w.apply(reserved, confirmed)
				case "confirmed first":
					w.apply(confirmed, reserved)
					want = want[1:]
				default:
					w.slowly(reserved, confirmed)
				}
				w.maintain(2*time.Minute, 5*time.Second)
				w.wantMessages(order, want...)
				w.wantNotice(order, "1", integration.Done, "")
			})
		})
	}
}

// TestNoticeCrash kills the process at each of its steps, before and after the
// step's effect, with and without receipts: a customer gets her message, once
// or at the very most twice.
func TestNoticeCrash(t *testing.T) {
	for _, told := range []bool{true, false} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("receipts=%v/after=%v", told, after), func(t *testing.T) {
				behaviour := sandbox.WhatsAppBehaviour{}
				if !told {
					behaviour.Statuses = []sandbox.PlannedStatus{}
				}
				at, repeated := 1, 0
				for died := true; died && !t.Failed(); at++ {
					notified(t, false, behaviour, func(w *world) {
						var n int
						n, died = w.noticeCrash(at, after)
						repeated = max(repeated, n)
					})
				}
				if at < 4 {
					t.Fatalf("the process died at %d steps", at-1)
				}
				if told && repeated > 1 {
					t.Errorf("%d messages though the receipt proved the first", repeated)
				}
			})
		}
	}
}

func (w *world) noticeCrash(at int, after bool) (messages int, died bool) {
	w.t.Helper()
	ev := news(booking.Confirmed, "1", "corte")
	l := &life{at: at, after: after}
	_ = w.procs[0].Engine.Apply(l.context(), ev) // the dead do not answer
	w.restart()
	time.Sleep(10 * time.Second)
	w.apply(ev)
	w.maintain(5*time.Minute, 5*time.Second)
	n := len(w.google.WhatsAppMessages())
	if n < 1 || n > 2 {
		w.t.Errorf("died at step %d: %d messages", at, n)
	}
	w.wantNotice(fmt.Sprintf("died at step %d", at), "1", integration.Done, "")
	return n, l.dead
}

// TestAnswersThatNeverCome: a message whose answer is lost each time is sent
// twice at most; a receipt, whenever it comes, settles it.
func TestAnswersThatNeverCome(t *testing.T) {
	for name, statuses := range map[string][]sandbox.PlannedStatus{
		"no receipts":     {},
		"receipts":        nil,
		"late receipts":   {{Status: sandbox.Delivered, Late: 10 * time.Minute}},
		"repeated, mixed": {{Status: sandbox.Delivered, After: time.Second, Times: 3}, {Status: sandbox.Sent, Late: 5 * time.Second, Times: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			notified(t, false, sandbox.WhatsAppBehaviour{Statuses: statuses}, func(w *world) {
				_, err := w.google.AddFault(sandbox.Fault{Operation: sandbox.OpWhatsAppSend, Action: sandbox.DropAfter})
				check(t, err)
				w.apply(news(booking.Confirmed, "1", "corte"))
				w.maintain(8*time.Minute, 5*time.Second)
				switch name {
				case "no receipts":
					w.wantMessages(name, "confirmed", "confirmed")
					w.wantNotice(name, "1", integration.Failed, whatsapp.Unconfirmed)
				case "late receipts":
					w.wantMessages(name, "confirmed", "confirmed")
					w.wantNotice("before the receipt", "1", integration.Failed, whatsapp.Unconfirmed)
					w.maintain(8*time.Minute, 5*time.Second)
					w.wantNotice("after it", "1", integration.Done, "")
				default:
					w.wantMessages(name, "confirmed")
					w.wantNotice(name, "1", integration.Done, "")
				}
			})
		})
	}
}

// TestReceiptMeetsAttempt: a receipt that comes while the message's own attempt
// still waits for an answer is not lost, whatever the answer is.
func TestReceiptMeetsAttempt(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"answered":  {Action: sandbox.AnswerLate, Late: 5 * time.Second},
		"timed out": {Action: sandbox.AnswerLate, Late: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			notified(t, true, sandbox.WhatsAppBehaviour{}, func(w *world) {
				f.Operation = sandbox.OpWhatsAppSend
				_, err := w.google.AddFault(f)
				check(t, err)
				// Google's result is committed in between.
				_, err = w.google.AddFault(sandbox.Fault{Operation: "events.*", Action: sandbox.Delay, Latency: 3 * time.Second})
				check(t, err)
				ev := news(booking.Confirmed, "1", "corte")
				w.apply(ev)
				d := w.notice("1")
				if d.Status != integration.Done || d.Receipt.Status != integration.ReceiptDelivered || d.ExternalID != d.Receipt.ID {
					t.Errorf("after the attempt: %+v", d)
				}
				w.maintain(5*time.Minute, 5*time.Second)
				w.wantMessages(name, "confirmed")
			})
		})
	}
}

// TestFailsLater: a message that was taken and failed is sent again if the
// reason passes, and is the company's to know otherwise; a new phone is a new
// chance.
func TestFailsLater(t *testing.T) {
	for code, want := range map[string]struct {
		times, messages int
		status          integration.DeliveryStatus
	}{"131026": {1, 1, integration.Failed}, "130429": {3, 4, integration.Done}, "131042": {1, 1, integration.Failed}} {
		t.Run(code, func(t *testing.T) {
			notified(t, false, sandbox.WhatsAppBehaviour{}, func(w *world) {
				_, err := w.google.AddFault(sandbox.Fault{Operation: sandbox.OpWhatsAppSend, Action: sandbox.FailStatus, Reason: code, Times: want.times})
				check(t, err)
				w.apply(news(booking.Confirmed, "1", "corte"))
				w.maintain(20*time.Minute, 10*time.Second)
				if n := len(w.google.WhatsAppMessages()); n != want.messages {
					t.Errorf("%d messages, want %d", n, want.messages)
				}
				if want.status == integration.Done {
					w.wantNotice("at last", "1", integration.Done, "")
					return
				}
				w.wantNotice("at last", "1", integration.Failed, code)
				w.wantNotices("at last", "delivery.failed rejected 0 1")
				time.Sleep(time.Second)
				w.apply(news(booking.Confirmed, "1", "corte"))
				w.maintain(time.Minute, 5*time.Second)
				w.wantNotice("told again", "1", integration.Done, "")
			})
		})
	}
}

// TestNoticesOff: no call at all while they are off, and none for what was there
// when they are switched on; what waited for the switch of all is sent, if it is
// news still.
func TestNoticesOff(t *testing.T) {
	notified(t, true, sandbox.WhatsAppBehaviour{}, func(w *world) {
		w.turnOn(false)
		for i := range 400 {
			w.apply(news(booking.Confirmed, booking.ID(fmt.Sprint(i)), "corte"))
		}
		env := w.env
		w.env = nil // an installation without WhatsApp
		w.restart()
		for i := range 100 {
			w.apply(news(booking.Confirmed, booking.ID(fmt.Sprint(400+i)), "corte"))
		}
		w.env = env
		w.restart()
		w.turnOn(true)
		_, err := w.connect(acme, ana) // whose passes go through all of them
		check(t, err)
		w.maintain(10*time.Minute, 10*time.Second)
		w.wantMessages("switched on")
		for _, r := range w.google.Requests() {
			if strings.HasPrefix(r.Operation, "whatsapp") {
				t.Fatalf("a call: %+v", r)
			}
		}
		w.wantNotice("of a booking that was there", "7", integration.Skipped, "")
		w.wantNotice("of one from before there were notices", "407", integration.Skipped, "")
		w.apply(news(booking.Confirmed, "new", "corte"))
		w.wantMessages("a new booking", "confirmed")
	})
}

// TestNoticesSwitchedOffForEveryone: nothing is sent meanwhile; then what is
// news still, once.
func TestNoticesSwitchedOffForEveryone(t *testing.T) {
	notified(t, false, sandbox.WhatsAppBehaviour{}, func(w *world) {
		old := news(booking.Confirmed, "old", "corte")
		w.switchNotices(false)
		time.Sleep(11 * time.Second) // until everybody believes it
		w.apply(old)
		w.wantNotice("switched off", "old", integration.Waiting, "")
		time.Sleep(25 * time.Hour)
		reserved := news(booking.Reserved, "new", "corte")
		time.Sleep(time.Second)
		w.apply(reserved, news(booking.Confirmed, "new", "corte"), news(booking.Deleted, "gone", ""))
		w.maintain(10*time.Minute+5*time.Second, 5*time.Second) // so that the catalogue was read five seconds ago
		w.wantMessages("switched off")
		w.switchNotices(true)
		w.maintain(5*time.Minute, 10*time.Second)
		w.wantMessages("switched on", "confirmed")
		w.wantNotice("too old", "old", integration.Skipped, "")
		w.maintain(time.Hour, time.Minute)
		w.wantMessages("an hour later", "confirmed")
	})
}

// TestNeitherStopsTheOther: with Google hanging on every call a notice is out
// and recorded within two seconds, and with WhatsApp hanging an event is.
func TestNeitherStopsTheOther(t *testing.T) {
	for hangs, other := range map[string]integration.ID{"events.*": integration.WhatsApp, "whatsapp.*": integration.GoogleCalendar} {
		t.Run(hangs, func(t *testing.T) {
			notified(t, true, sandbox.WhatsAppBehaviour{}, func(w *world) {
				_, err := w.google.AddFault(sandbox.Fault{Operation: hangs, Action: sandbox.AnswerLate, Late: time.Hour})
				check(t, err)
				ev := news(booking.Confirmed, "1", "corte")
				done := make(chan struct{})
				go func() { w.apply(ev); close(done) }()
				time.Sleep(2 * time.Second)
				b := w.record(acme, "1")
				if d := b.Deliveries[other]; d.Status != integration.Done {
					t.Errorf("after two seconds: %+v", d)
				}
				<-done
				w.google.ClearFaults()
				w.maintain(5*time.Minute, 5*time.Second)
				w.right(ev)
				w.wantNotice("at last", "1", integration.Done, "")
			})
		})
	}
}

// TestNoNotice: of what nobody needs to be told.
func TestNoNotice(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*booking.Event)
		status integration.DeliveryStatus
		detail string
		why    string // in the history
	}{
		"past":            {func(e *booking.Event) { e.Booking.Start = e.At.Add(-time.Hour) }, integration.Skipped, "", integration.TooLate},
		"told a day late": {func(e *booking.Event) { e.At = e.At.Add(-25 * time.Hour) }, integration.Skipped, "", integration.TooLate},
		"no phone":        {func(e *booking.Event) { e.Booking.Customer.Phone = "" }, integration.Skipped, "", integration.NoPhone},
		"not a phone":     {func(e *booking.Event) { e.Booking.Customer.Phone = "llamar a Luis" }, integration.Failed, whatsapp.InvalidPhone, "rejected: invalid_phone"},
		"deleted, unheard": {func(e *booking.Event) {
			*e = booking.Event{Kind: booking.Deleted, At: e.At, Company: acme, Booking: booking.Booking{ID: "1"}}
		}, integration.Skipped, "", integration.TooLate},
		"muted by the shop": {func(e *booking.Event) { e.Kind = booking.Reserved }, integration.Skipped, "", integration.NotWanted},
	} {
		t.Run(name, func(t *testing.T) {
			notified(t, false, sandbox.WhatsAppBehaviour{}, func(w *world) {
				c, err := w.store.Connection(context.Background(), acme, integration.WhatsApp)
				check(t, err)
				c.Options.Mute.Reserved = true
				check(t, w.store.PutConnection(context.Background(), acme, &c))
				ev := news(booking.Confirmed, "1", "corte")
				tt.change(&ev)
				w.apply(ev)
				w.maintain(time.Minute, 5*time.Second)
				w.wantMessages(name)
				w.wantNotice(name, "1", tt.status, tt.detail)
				want := store.Step{Kind: store.StepDelivery, Integration: integration.WhatsApp, Outcome: string(tt.status), Detail: tt.why}
				if !slices.ContainsFunc(w.record(acme, "1").History, func(s store.Step) bool { s.At = time.Time{}; return s == want }) {
					t.Errorf("history %+v, want %+v in it", w.record(acme, "1").History, want)
				}
			})
		})
	}
}
