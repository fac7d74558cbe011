package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// tally is a store whose calls are counted: those by which maintain and the
// engine read and write.
type tally struct {
	store.Store
	reads  atomic.Int64 // of one record, or of an attempt's few
	lists  atomic.Int64 // pages
	writes atomic.Int64
	caught atomic.Int64 // connections that were written as owed nothing any more
}

func (t *tally) ReadBooking(ctx context.Context, c booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error) {
	t.reads.Add(1)
	return t.Store.ReadBooking(ctx, c, id, of...)
}

func (t *tally) CommitBooking(ctx context.Context, b *store.Booking) error {
	t.writes.Add(1)
	return t.Store.CommitBooking(ctx, b)
}

func (t *tally) ListBookings(ctx context.Context, c booking.CompanyID, q store.Query) (store.Page[*store.Booking], error) {
	t.lists.Add(1)
	return t.Store.ListBookings(ctx, c, q)
}

func (t *tally) DueBookings(ctx context.Context, now time.Time, limit int) ([]store.Key, error) {
	t.lists.Add(1)
	return t.Store.DueBookings(ctx, now, limit)
}

func (t *tally) Company(ctx context.Context, id booking.CompanyID) (store.Company, error) {
	t.reads.Add(1)
	return t.Store.Company(ctx, id)
}

func (t *tally) Connection(ctx context.Context, c booking.CompanyID, id integration.ID) (integration.Connection, error) {
	t.reads.Add(1)
	return t.Store.Connection(ctx, c, id)
}

func (t *tally) PutConnection(ctx context.Context, id booking.CompanyID, c *integration.Connection, acts ...store.Activity) error {
	t.writes.Add(1)
	err := t.Store.PutConnection(ctx, id, c, acts...)
	if err == nil && c.BackfillDue.IsZero() && c.PassedAt.Equal(c.UpdatedAt) {
		t.caught.Add(1)
	}
	return err
}

func (t *tally) OwedConnections(ctx context.Context, id integration.ID, cursor string, limit int) (store.Page[booking.CompanyID], error) {
	t.lists.Add(1)
	return t.Store.OwedConnections(ctx, id, cursor, limit)
}

func (t *tally) StaleConnections(ctx context.Context, id integration.ID, before time.Time, cursor string, limit int) (store.Page[booking.CompanyID], error) {
	t.lists.Add(1)
	return t.Store.StaleConnections(ctx, id, before, cursor, limit)
}

func (t *tally) UncheckedConnections(ctx context.Context, id integration.ID, before time.Time, cursor string, limit int) (store.Page[booking.CompanyID], error) {
	t.lists.Add(1)
	return t.Store.UncheckedConnections(ctx, id, before, cursor, limit)
}

func (t *tally) DueNotices(ctx context.Context, id integration.ID, now time.Time, cursor string, limit int) (store.Page[booking.CompanyID], error) {
	t.lists.Add(1)
	return t.Store.DueNotices(ctx, id, now, cursor, limit)
}

func (t *tally) Entry(ctx context.Context, id integration.ID) (integration.Entry, error) {
	t.reads.Add(1)
	return t.Store.Entry(ctx, id)
}

// calls counts what goes to Google.
type calls struct {
	http.RoundTripper
	inserted atomic.Int64 // of all time

	mu sync.Mutex
	by map[string]int
}

// RoundTrip implements [http.RoundTripper].
func (c *calls) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	name := operation(r)
	if err != nil || resp.StatusCode >= 400 {
		name = "failed " + name
	}
	if name == "insert" {
		c.inserted.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[name]++
	return resp, err
}

func operation(r *http.Request) string {
	switch {
	case strings.HasSuffix(r.URL.Path, "/token"):
		return "token"
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/events"):
		return "list"
	case r.Method == http.MethodPost:
		return "insert"
	}
	return strings.ToLower(r.Method)
}

// take returns the calls since it was asked last.
func (c *calls) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	by := c.by
	c.by = map[string]int{}
	return by
}

// nobody is told anything: what is measured makes no messages.
type nobody struct{}

// Publish implements [bus.Publisher].
func (nobody) Publish(context.Context, bus.Topic, bus.Message) (string, error) { return "1", nil }
