package firestore

import (
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// now is when the tests take place.
var now = time.Date(2026, time.November, 23, 15, 4, 5, 123456000, time.UTC)

// fullBooking has something in every field.
func fullBooking() *store.Booking {
	later := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	return &store.Booking{
		Company: "2",
		Booking: booking.Booking{
			ID: "981", Service: "Corte de pelo", Start: later(1440), End: later(1485), TimeZone: "UTC",
			Customer: booking.Customer{Name: "Ana Ruiz", Phone: "+573001112233", Email: "ana@example.com"},
			Staff:    "Luis", Location: "Calle 10 #4-21", Notes: "Primera visita", URL: "https://platform.example/bookings/981",
		},
		State: booking.Confirmed, At: now, Revision: 3,
		Deliveries: map[integration.ID]integration.Delivery{
			integration.GoogleCalendar: {
				Status: integration.Waiting, Reason: integration.Quota, Detail: "slow down", Revision: 3,
				Place:   integration.Place{Account: "112233", Calendar: "primary", Generation: 2},
				Written: true, Form: "form1", ExternalID: "event1", Link: "https://calendar.google.com/event?eid=1",
				Lease:    integration.Lease{Attempt: "ATTEMPT", Until: later(1)},
				Attempts: 4, NextAttemptAt: later(2), UpdatedAt: later(3),
				Sent: integration.Sent{
					Announced: integration.Message{Kind: booking.Confirmed, Revision: 3, Start: later(1440)}, Sends: 1,
					Told: integration.Message{Kind: booking.Reserved, Revision: 2, Start: later(1400)},
				},
				Receipt: integration.Receipt{
					ID: "wamid.1", Kind: booking.Reserved, Revision: 2, Status: integration.ReceiptFailed, Code: "131026", At: later(4),
				},
			},
		},
		History: []store.Step{
			{At: now, Kind: "confirmed", Integration: integration.GoogleCalendar, Outcome: "ok", Detail: "none"},
		},
		NextAttemptAt: later(2), CreatedAt: now, UpdatedAt: later(3), ExpireAt: later(600000),
	}
}

// fullConnection has something in every field.
func fullConnection() *integration.Connection {
	later := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	return &integration.Connection{
		ID: integration.GoogleCalendar, Enabled: true, Status: integration.Disconnecting, Reason: integration.Revoked,
		Data: integration.Data{
			AccountEmail: "ana@example.com", AccountSubject: "112233", CalendarID: "primary", CalendarName: "Ana",
			Scopes: []string{"openid", "email"}, AccessToken: []byte("sealed"), TokenExpiry: later(60), SecretVersion: "7",
		},
		Options: integration.Options{
			Summary: "{service}", Description: "{customer}", InviteCustomer: true,
			Reminder: integration.Reminder{Own: true, Before: 90 * time.Minute}, Color: "11",
			Language: "en", Mute: integration.Mute{Reserved: true, Confirmed: true, Deleted: true},
		},
		RemoveEvents: true, Used: map[string][]string{integration.AccountKey("112233"): {"primary", "team"}},
		ChangedAt: later(1), BackfillDue: later(2), PassedAt: later(3), ReconciledAt: later(4), NoticeDue: later(5),
		CheckedAt: later(8), Notices: 2, Added: 21, Refused: 3, RefusedAt: later(9),
		CreatedAt: later(6), UpdatedAt: later(7),
	}
}
