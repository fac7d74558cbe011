package maintain

import (
	"sync"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

// pass is how far a pass over a company's bookings has come. It is kept in
// memory: a new process begins the pass anew, which costs a read for each
// booking that is right already.
type pass struct {
	due     time.Time // the connection's BackfillDue
	off     bool      // the connection is disconnected: nothing but what waited for it is owed
	began   time.Time
	late    bool        // it began when everybody knew of the change
	waiting bool        // the bookings that end in the future are listed: now those that wait
	listed  bool        // those too
	cursor  string      // of the next page
	ahead   []store.Key // listed, and still to be reconciled
	added   int         // bookings of before the change whose events were created since

	cleared    bool    // what earlier connections have left is removed, as far as it could be
	reconciled bool    // the bookings are done: if it is late, now the events
	events     listing // of them
	met        int     // events that no record names, or in a removal any of ours; of a connection that is off, bookings that waited
}

// count adds up how many of the bookings that were listed had been missed.
func (p *pass) count(bs []*store.Booking, id integration.ID) {
	for _, b := range bs {
		if missed(b, id, p.due) {
			p.added++
		}
	}
}

// passes are those under way.
type passes struct {
	mu        sync.Mutex
	byCompany map[booking.CompanyID]*pass
}

// of returns the company's pass for the last change of its connection, and
// begins one if there is none.
func (ps *passes) of(company booking.CompanyID, c integration.Connection, now time.Time, late bool) *pass {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byCompany[company]
	off := c.Status == integration.Disconnected
	if p == nil || !p.due.Equal(c.BackfillDue) || p.off != off {
		p = &pass{due: c.BackfillDue, off: off, began: now, late: late, waiting: off}
		if ps.byCompany == nil {
			ps.byCompany = map[booking.CompanyID]*pass{}
		}
		ps.byCompany[company] = p
	}
	return p
}

// end forgets the company's pass.
func (ps *passes) end(company booking.CompanyID) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	delete(ps.byCompany, company)
}
