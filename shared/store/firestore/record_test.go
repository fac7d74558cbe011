package firestore

import (
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// TestUnknownWords reads documents that a later version, or a hand, may have
// written.
func TestUnknownWords(t *testing.T) {
	deliveries := func(f fields) *pb.Value { return table(fields{"whatsapp": table(f)}) }
	for _, tt := range []struct {
		name, field string
		v           *pb.Value
	}{
		{"state", "state", text("postponed")},
		{"no state", "state", nil},
		{"delivery", "deliveries", deliveries(fields{"status": text("lost")})},
		{"no map", "deliveries", text("none")},
		{"no map in one", "deliveries", table(fields{"whatsapp": integer(1)})},
		{"zone", "time_zone", text("Moon/Tranquility")},
		{"no text", "notes", integer(1)},
		{"no timestamp", fieldStart, text("2026-12-01")},
		{"no number", "revision", text("1")},
		{"no boolean", "deliveries", deliveries(fields{"status": text("done"), "written": text("yes")})},
		{"no array", "history", table(nil)},
		{"no array of maps", "history", list(texts([]string{"created"}))},
	} {
		f := bookingFields(fullBooking())
		f[tt.field] = tt.v
		if b, err := readBooking("2", &pb.Document{Fields: f}); err == nil || fault.Status(err) != 500 {
			t.Errorf("%s: read as %+v, error %v, want one that is ours to mend", tt.name, b, err)
		}
	}
	data := func(f fields) fields { return fields{fieldStatus: text("connected"), "integration_data": table(f)} }
	for name, f := range map[string]fields{
		"status":            {fieldStatus: text("undecided")},
		"no status":         {},
		"no bytes":          data(fields{"access_token": text("open")}),
		"no array of texts": data(fields{"scopes": list([]*pb.Value{integer(1)})}),
	} {
		if c, err := readConnection(integration.WhatsApp, &pb.Document{Fields: f}); err == nil || fault.Status(err) != 500 {
			t.Errorf("%s: read as %+v, error %v, want one that is ours to mend", name, c, err)
		}
	}
}

// TestTooLarge stores what the service has no room for, and never will have.
func TestTooLarge(t *testing.T) {
	s, b := open(t, address(t)), fullBooking()
	b.Booking.Notes = strings.Repeat("x", 1<<20)
	if err := s.CommitBooking(t.Context(), b); fault.Status(err) != 400 {
		t.Errorf("error %v, want an invalid one", err)
	}
}

// TestNotUTF8 stores bytes that are no text, as an integration's words may be.
func TestNotUTF8(t *testing.T) {
	b := fullBooking()
	b.History[0].Detail = "refus\xe9"
	data, err := proto.Marshal(&pb.Document{Fields: bookingFields(b)})
	if err != nil {
		t.Fatal(err)
	}
	var doc pb.Document
	if err := proto.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	got, err := readBooking("2", &doc)
	if err != nil {
		t.Fatal(err)
	}
	if got.History[0].Detail != "refus\ufffd" {
		t.Errorf("detail %q", got.History[0].Detail)
	}
}

// TestDisconnected: nothing of an account is left in the document, not in what
// is there for queries either.
func TestDisconnected(t *testing.T) {
	c := fullConnection()
	c.Status, c.Enabled, c.Data, c.BackfillDue, c.ReconciledAt = integration.Disconnected, false, integration.Data{}, time.Time{}, time.Time{}
	f := connectionFields(c)
	if m, ok := f["integration_data"].GetValueType().(*pb.Value_MapValue); !ok || len(m.MapValue.GetFields()) > 0 {
		t.Errorf("integration_data is %v, want an empty map", f["integration_data"])
	}
	for _, name := range []string{fieldHolder, fieldOwed, "backfill_due"} {
		if f[name] != nil {
			t.Errorf("%s is %v", name, f[name])
		}
	}
	if _, ok := f[fieldReconciledAt].GetValueType().(*pb.Value_NullValue); !ok {
		t.Errorf("%s is %v, want null", fieldReconciledAt, f[fieldReconciledAt])
	}
}

// TestBookingIndexed: of a booking with nothing to do, nothing is in the index
// that all companies share, nor among those that wait.
func TestBookingIndexed(t *testing.T) {
	b := fullBooking()
	b.NextAttemptAt, b.Deliveries = time.Time{}, map[integration.ID]integration.Delivery{integration.WhatsApp: {Status: integration.Done}}
	f := bookingFields(b)
	for _, name := range []string{fieldNextAttempt, fieldWaiting} {
		if v, ok := f[name]; ok {
			t.Errorf("%s is %v, want nothing", name, v)
		}
	}
}

// TestEntryByHand reads the document that an operator makes in a hurry.
func TestEntryByHand(t *testing.T) {
	off := store.DefaultEntry(integration.GoogleCalendar)
	off.Enabled = false
	renamed := store.DefaultEntry(integration.GoogleCalendar)
	renamed.Name = "Calendario"
	for name, tt := range map[string]struct {
		doc  fields
		want integration.Entry
	}{
		"off":     {fields{"enabled": boolean(false)}, off},
		"renamed": {fields{"name": text("Calendario")}, renamed},
		"empty":   {fields{}, store.DefaultEntry(integration.GoogleCalendar)},
	} {
		got, err := readEntry(integration.GoogleCalendar, &pb.Document{Fields: tt.doc, UpdateTime: stamp(now)})
		if err != nil {
			t.Fatal(err)
		}
		if got.Version == "" {
			t.Errorf("%s: no version", name)
		}
		got.Version = ""
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: entry differs (-want +got):\n%s", name, diff)
		}
	}
}
