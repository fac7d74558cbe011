package maintain

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/converge"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/gcal"
	"github.com/citasync/citasync/shared/intake"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/notify"
	"github.com/citasync/citasync/shared/store"
)

// budget is how long a run begins work; what is left then is for the next. An
// attempt that began at its end may take twenty seconds of calls more, so that
// a run has ended within fifty, before its message would be delivered again.
const budget = 25 * time.Second

// Bookings is what maintain reads of the bookings.
type Bookings interface {
	ReadBooking(ctx context.Context, company booking.CompanyID, id booking.ID, of ...integration.ID) (store.Snapshot, error)
	ListBookings(ctx context.Context, company booking.CompanyID, q store.Query) (store.Page[*store.Booking], error)
	DueBookings(ctx context.Context, now time.Time, limit int) ([]store.Key, error)
}

// Connections is what maintain reads and writes of the connections.
type Connections interface {
	Connection(ctx context.Context, company booking.CompanyID, id integration.ID) (integration.Connection, error)
	PutConnection(ctx context.Context, company booking.CompanyID, c *integration.Connection, acts ...store.Activity) error
	OwedConnections(ctx context.Context, id integration.ID, cursor string, limit int) (store.Page[booking.CompanyID], error)
	Company(ctx context.Context, id booking.CompanyID) (store.Company, error)
	UncheckedConnections(ctx context.Context, id integration.ID, before time.Time, cursor string, limit int) (store.Page[booking.CompanyID], error)
	DueNotices(ctx context.Context, id integration.ID, now time.Time, cursor string, limit int) (store.Page[booking.CompanyID], error)
	StaleConnections(ctx context.Context, id integration.ID, before time.Time, cursor string, limit int) (store.Page[booking.CompanyID], error)
	Entry(ctx context.Context, id integration.ID) (integration.Entry, error)
}

// Engine brings bookings to their integrations; see converge.Engine.
type Engine interface {
	Reconcile(ctx context.Context, key store.Key) error
	ReconcileAs(ctx context.Context, key store.Key, as integration.Integration) error
	Redo(ctx context.Context, key store.Key, id integration.ID) error
}

// Calendar looks at what is in a company's calendars; see gcal.Calendar.
type Calendar interface {
	List(ctx context.Context, q gcal.Query) (gcal.Listing, error)
	// Remover acts in a booking's delivery's place by removing one event.
	Remover(calendar string, found gcal.Found) integration.Integration
	// Witness acts in its place by looking whether its event is there.
	Witness() *gcal.Witness
}

// Notifier tells a company something; see notify.Notifier.
type Notifier interface {
	Send(ctx context.Context, n notify.Notice) error
}

// Grants ends a connection, or calls for the company; see googleauth.Grants.
type Grants interface {
	NeedReauth(ctx context.Context, company booking.CompanyID, met integration.Connection, why integration.Reason) error
	Finish(ctx context.Context, company booking.CompanyID, left integration.Reason) error
}

// Deps are what the function needs. The Engine's integrations should be of the
// same Pacer's: it is given as much work as there is.
type Deps struct {
	Bookings    Bookings
	Connections Connections
	Engine      Engine
	Calendar    Calendar
	Pacer       *Pacer
	Grants      Grants
	Notifier    Notifier
	Switches    converge.Switches
	Publisher   bus.Publisher
	Now         func() time.Time
	Log         *slog.Logger
}

// Maintainer does the work, one run at a time.
type Maintainer struct {
	Deps
	passes passes
	checks checks

	// How far the lists have been gone over: of the connections that are owed
	// passes; of those that are to be, or whose notices wait, since the switch
	// was turned on; of those to be compared and of those to be told something.
	owing, stale, resuming, comparing *lap
	telling                           map[integration.ID]*lap

	mu      sync.Mutex
	running bool
	again   bool // somebody called while it ran
}

// New returns a Maintainer.
func New(deps Deps) *Maintainer {
	google, whatsApp := integration.GoogleCalendar, integration.WhatsApp
	return &Maintainer{
		Deps:  deps,
		owing: newLap(google, parallel), stale: newLap(google, parallel), resuming: newLap(whatsApp, parallel), comparing: newLap(google, comparisons),
		telling: map[integration.ID]*lap{google: newLap(google, parallel), whatsApp: newLap(whatsApp, parallel)},
	}
}

// Handler returns the function's handler: POST on any path takes a message of
// the topic maintenance, GET /health answers ok.
func (m *Maintainer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", fault.Health)
	mux.Handle("POST /", fault.Handler(m.Log, m.receive))
	return mux
}

func (m *Maintainer) receive(w http.ResponseWriter, r *http.Request) error {
	push, err := intake.Decode(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return err
	}
	ctx := push.Context(r.Context())
	*r = *r.WithContext(ctx) // in place, so that whoever recovers a panic logs whose it was
	more, err := m.Run(ctx)
	if err == nil && more {
		err = bus.Wake(ctx, m.Publisher, "continue", "", logging.TraceOf(ctx).String())
	}
	if err != nil {
		fault.Answer(m.Log, w, r, err)
		return nil
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Run does what is due and reports whether it had to leave some of it, or was
// called again meanwhile. A run that finds another under way leaves it to that
// one. The error is what kept it from working at all; trouble with one company
// is logged and the others go on.
func (m *Maintainer) Run(ctx context.Context) (more bool, err error) {
	if !m.begin() {
		return false, nil
	}
	defer func() { more = m.end() || more }()
	ctx, cancel := context.WithDeadline(ctx, m.Now().Add(budget))
	defer cancel()
	// Side by side: bookings that are due again and again must not keep those
	// waiting that a change of connection has made due.
	var g errgroup.Group
	var left atomic.Bool
	for _, work := range []func(context.Context) (more bool, err error){m.sweep, m.changes, m.resumed, m.notices, m.unchecked} {
		g.Go(func() error {
			more, err := work(ctx)
			if more {
				left.Store(true)
			}
			return err
		})
	}
	err = g.Wait()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return true, nil
	}
	return left.Load(), err
}

// changes does what changes of connections, and of the switch, have made due.
func (m *Maintainer) changes(ctx context.Context) (more bool, err error) {
	stale, err := m.switchedOn(ctx)
	if err != nil {
		return false, err
	}
	owed, err := m.owed(ctx)
	return stale || owed, err
}

func (m *Maintainer) begin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		m.again = true
		return false
	}
	m.running, m.again = true, false
	return true
}

func (m *Maintainer) end() (again bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = false
	return m.again
}
