package sandbox

import (
	"cmp"
	"sync"
	"time"
)

// limits counts messages that were accepted, as Meta's pages "Throughput" and
// "Pair rate limits" have it.
type limits struct {
	mu    sync.Mutex
	all   burst
	pairs map[string]*burst // by recipient
}

// burst is what was accepted within one interval.
type burst struct {
	start time.Time
	count int
}

// The limits that Meta documents.
const (
	defaultPerSecond    = 80
	defaultPairInterval = 6 * time.Second
	defaultPairBurst    = 45
)

// take counts a message and refuses it if that is one too many. A refused
// message counts for nothing.
func (l *limits) take(recipient string, now time.Time, b WhatsAppBehaviour) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since := now.Sub(l.all.start); since >= time.Second || since < 0 {
		l.all = burst{start: now}
	}
	if perSecond := cmp.Or(b.PerSecond, defaultPerSecond); perSecond > 0 && l.all.count >= perSecond {
		return graphErr(130429, "")
	}
	pair := l.pairs[recipient]
	if pair == nil {
		pair = &burst{start: now}
	}
	if every := cmp.Or(b.PairInterval, defaultPairInterval); every > 0 && !pair.has(now, every, cmp.Or(b.PairBurst, defaultPairBurst)) {
		return graphErr(131056, "")
	}
	if l.pairs == nil {
		l.pairs = make(map[string]*burst)
	}
	l.pairs[recipient] = pair
	pair.count++
	l.all.count++
	return nil
}

// has reports whether one more may follow. Within an interval so many may; after
// it as many intervals must have passed as messages were sent, since those
// beyond the first were borrowed.
func (b *burst) has(now time.Time, every time.Duration, most int) bool {
	since := now.Sub(b.start)
	if since < 0 || since >= every && since >= time.Duration(b.count)*every {
		*b = burst{start: now}
	}
	return now.Sub(b.start) < every && b.count < most
}
