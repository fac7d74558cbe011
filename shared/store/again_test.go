package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/integration"
)

// one is a store of one connection, which others write a number of times, each
// time after it was read.
type one struct {
	c      integration.Connection
	others int
	put    int
	err    error // of a write
}

func (o *one) Connection(context.Context, booking.CompanyID, integration.ID) (integration.Connection, error) {
	c := o.c
	if o.others > 0 {
		o.others--
		o.c.Refused++
		o.c.Version += "."
	}
	return c, nil
}

func (o *one) PutConnection(_ context.Context, _ booking.CompanyID, c *integration.Connection, _ ...Activity) error {
	if o.err != nil {
		return o.err
	}
	if c.Version != o.c.Version {
		return fault.ErrConflict
	}
	o.put++
	c.Version += "!"
	o.c = *c
	return nil
}

func TestChange(t *testing.T) {
	down, no := fault.ErrUnavailable, errors.New("not like this")
	now := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		others int
		fails  error // the write
		how    error
		put    int
		want   error
	}{
		{"nobody else", t.Context(), 0, nil, nil, 1, nil},
		{"others meanwhile", t.Context(), Tries - 1, nil, nil, 1, nil},
		{"others always", t.Context(), Tries, nil, nil, 0, fault.ErrConflict},
		{"others, and no time left", ended, 1, nil, nil, 0, fault.ErrConflict},
		{"the store fails", t.Context(), 0, down, nil, 0, down},
		{"refused", t.Context(), 1, nil, no, 0, no},
		{"refused as a conflict", t.Context(), 2, nil, fault.ErrConflict, 0, fault.ErrConflict},
		{"nothing to write", t.Context(), 0, nil, ErrUnchanged, 0, nil},
	} {
		o := &one{c: DefaultConnection(integration.WhatsApp), others: tc.others, err: tc.fails}
		calls := 0
		c, err := Change(tc.ctx, o, "2", integration.WhatsApp, func() time.Time { return now },
			func(c *integration.Connection) ([]Activity, error) {
				calls++
				c.Enabled = true
				if !c.UpdatedAt.Equal(now) {
					t.Errorf("%s: how is told that it is %v", tc.name, c.UpdatedAt)
				}
				return nil, tc.how
			})
		if !errors.Is(err, tc.want) || o.put != tc.put {
			t.Errorf("%s: %d writes, error %v", tc.name, o.put, err)
		}
		if tc.put > 0 && (c.Version != o.c.Version || c.Refused != tc.others || !c.UpdatedAt.Equal(now) || !c.CreatedAt.Equal(now)) {
			t.Errorf("%s: returned %+v\nstored %+v", tc.name, c, o.c)
		}
		if tc.how != nil && (calls != 1 || !c.UpdatedAt.IsZero()) {
			t.Errorf("%s: asked %d times, updated at %v", tc.name, calls, c.UpdatedAt)
		}
	}
}
