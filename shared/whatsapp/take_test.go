package whatsapp

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

var now = time.Date(2026, time.November, 23, 15, 4, 5, 0, time.UTC)

const (
	sent      = integration.ReceiptSent
	failure   = integration.ReceiptFailed
	delivered = integration.ReceiptDelivered
	read      = integration.ReceiptRead
)

// task is a booking that was confirmed a minute ago for tomorrow, and told to
// its customer by the message "wamid.1".
func task() integration.Task {
	start := now.Add(24 * time.Hour)
	m := integration.Message{Kind: booking.Confirmed, Revision: 2, Start: start}
	return integration.Task{
		Company: integration.Company{ID: "2", Name: "Salón Sol", Locale: "es", TimeZone: "America/Bogota"},
		Connection: integration.Connection{
			ID: integration.WhatsApp, Enabled: true, Status: integration.Connected, ChangedAt: now.Add(-time.Hour),
		},
		Access: integration.On, State: booking.Confirmed, At: now.Add(-time.Minute), Revision: 2, Now: now,
		Booking: booking.Booking{
			ID: "981", Service: "Corte de pelo", Start: start, End: start.Add(time.Hour), TimeZone: "UTC",
			Customer: booking.Customer{Name: "Ana Ruiz", Phone: "+573001112233"},
		},
		Delivery: integration.Delivery{
			Status: integration.Done, Revision: 2, ExternalID: "wamid.1", UpdatedAt: now.Add(-time.Minute),
			Sent: integration.Sent{Announced: m, Sends: 1, Told: m},
		},
	}
}

// unanswered is task before it is known what became of the message.
func unansweredTask() integration.Task {
	t := task()
	t.Delivery.Status, t.Delivery.ExternalID, t.Delivery.Sent.Told = integration.Pending, "", integration.Message{}
	t.Delivery.Reason, t.Delivery.Attempts, t.Delivery.NextAttemptAt = integration.Outage, 1, now.Add(time.Minute)
	t.Delivery.Lease = integration.Lease{Attempt: "dead", Until: now.Add(-time.Minute)}
	return t
}

func receipt(id string, s integration.ReceiptStatus, code string) integration.Receipt {
	return integration.Receipt{ID: id, Kind: booking.Confirmed, Revision: 2, Status: s, Code: code, At: now}
}

func TestTakeSettles(t *testing.T) {
	for name, tt := range map[string]struct {
		task integration.Task
		r    integration.Receipt
		want func(*integration.Delivery) // of the task's
		news bool
	}{
		"delivered": {task(), receipt("wamid.1", delivered, ""), func(*integration.Delivery) {}, true},
		"answer lost": {unansweredTask(), receipt("wamid.1", sent, ""), func(d *integration.Delivery) {
			*d = task().Delivery
			d.UpdatedAt = now
		}, true},
		"refused": {task(), receipt("wamid.1", failure, "131026"), func(d *integration.Delivery) {
			d.Status, d.Reason, d.Detail, d.UpdatedAt = integration.Failed, integration.Rejected, "131026", now
			d.Sent.Told = integration.Message{}
		}, true},
		"refused, answer lost": {unansweredTask(), receipt("wamid.1", failure, "131026"), func(d *integration.Delivery) {
			d.Status, d.Reason, d.Detail, d.UpdatedAt = integration.Failed, integration.Rejected, "131026", now
			d.Attempts, d.NextAttemptAt, d.Lease = 0, time.Time{}, integration.Lease{}
		}, true},
		"of an earlier send":    {task(), receipt("wamid.0", failure, "131026"), nil, false},
		"of a revision to come": {task(), integration.Receipt{ID: "x", Kind: booking.Deleted, Revision: 3, Status: sent, At: now}, nil, false},
		"of an older message": {
			task(),
			integration.Receipt{ID: "wamid.0", Kind: booking.Reserved, Revision: 1, Status: read, At: now},
			func(*integration.Delivery) {}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := tt.task.Delivery
			if tt.want != nil {
				tt.want(&want)
				want.Receipt = tt.r
			}
			got, news, err := Take(tt.task, tt.r)
			if diff := cmp.Diff(want, got); diff != "" || news != tt.news || err != nil {
				t.Errorf("news %v, error %v (-want +got):\n%s", news, err, diff)
			}
		})
	}
}

// TestTakeInAnyOrder: whatever the order and however often they come, the
// furthest that a message came is what counts.
func TestTakeInAnyOrder(t *testing.T) {
	for _, tt := range []struct {
		come []integration.ReceiptStatus
		want integration.ReceiptStatus
	}{
		{[]integration.ReceiptStatus{sent, delivered, read}, read},
		{[]integration.ReceiptStatus{read, delivered, sent, read}, read},
		{[]integration.ReceiptStatus{delivered, failure, sent}, delivered},
		{[]integration.ReceiptStatus{failure, sent, failure}, failure},
	} {
		tk := task()
		for _, s := range tt.come {
			d, _, err := Take(tk, receipt("wamid.1", s, "131026"))
			if err != nil {
				t.Fatal(err)
			}
			tk.Delivery = d
		}
		if got := tk.Delivery.Receipt.Status; got != tt.want {
			t.Errorf("%v: %s, want %s", tt.come, got, tt.want)
		}
		if failed := tk.Delivery.Status == integration.Failed; failed != (tt.want == failure) {
			t.Errorf("%v: delivery %s", tt.come, tt.want)
		}
	}
}

// TestTakeWhileInHand: the state is the attempt's, and a failure comes again.
func TestTakeWhileInHand(t *testing.T) {
	tk := unansweredTask()
	tk.Delivery.Lease.Until = now.Add(time.Second)
	want := tk.Delivery
	if got, news, err := Take(tk, receipt("wamid.1", failure, "131026")); !errors.Is(err, ErrInHand) || news || got != want {
		t.Errorf("a failure: news %v, error %v, %+v", news, err, got)
	}
	r := receipt("wamid.1", sent, "")
	want.Receipt = r
	if got, news, err := Take(tk, r); err != nil || !news || got != want {
		t.Errorf("a success: news %v, error %v, %+v", news, err, got)
	}
}

// TestTakeRepeats: what failed for a passing reason is sent again, less and less
// often while it is news, and a repeated receipt is no new failure.
func TestTakeRepeats(t *testing.T) {
	tk, repeats := task(), 0
	tk.Booking.Start = now.Add(48 * time.Hour)
	tk.Delivery.Sent.Announced.Start, tk.Delivery.Sent.Told.Start = tk.Booking.Start, tk.Booking.Start
	for ; repeats < 100; repeats++ {
		r := receipt(tk.Delivery.ExternalID, failure, "131056")
		d, news, err := Take(tk, r)
		if err != nil || !news {
			t.Fatalf("failure %d: news %v, error %v", repeats, news, err)
		}
		if d.Status == integration.Failed {
			break
		}
		if d.Status != integration.Pending || d.Reason != integration.Quota || d.Sent.Sends != 0 || d.Sent.Told != (integration.Message{}) {
			t.Fatalf("failure %d: %+v", repeats, d)
		}
		if wait := d.NextAttemptAt.Sub(tk.Now); wait < soonest || wait > latest {
			t.Errorf("failure %d: again after %v", repeats, wait)
		}
		again := tk
		again.Delivery = d
		if d, news, _ := Take(again, r); news {
			t.Errorf("failure %d, repeated: %+v", repeats, d)
		}
		tk.Now, tk.Delivery = d.NextAttemptAt, d
		tk.Delivery.Sent.Sends, tk.Delivery.Status, tk.Delivery.ExternalID = 1, integration.Done, r.ID+"+"
	}
	if age := tk.Now.Sub(tk.At); repeats < 8 || repeats > 15 || age < stale {
		t.Errorf("given up after %d repetitions and %v", repeats, age)
	}
	late := task()
	late.Booking.Start = now
	late.Delivery.Sent.Announced.Start, late.Delivery.Sent.Told.Start = now, now
	if d, _, _ := Take(late, receipt("wamid.1", failure, "131056")); d.Status != integration.Failed {
		t.Errorf("of an appointment that has begun: %+v", d)
	}
}
