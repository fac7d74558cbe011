package boltqueue

import (
	"container/heap"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/citasync/citasync/shared/bus"
)

// topic is the schedule of a topic's messages, which themselves are in the
// file.
type topic struct {
	name    bus.Topic
	handler http.Handler  // nil: nobody has subscribed
	news    chan struct{} // holds an element if something was scheduled since dispatch last looked

	mu    sync.Mutex
	queue slots
}

func newTopic(name bus.Topic) *topic {
	return &topic{name: name, news: make(chan struct{}, 1)}
}

// slot is a message's place in the schedule.
type slot struct {
	due    time.Time
	number uint64
}

// slots is a [heap.Interface] with what is due first in front.
type slots []slot

// Len implements [heap.Interface].
func (s slots) Len() int { return len(s) }

// Swap implements [heap.Interface].
func (s slots) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Less implements [heap.Interface].
func (s slots) Less(i, j int) bool {
	if c := s[i].due.Compare(s[j].due); c != 0 {
		return c < 0
	}
	return s[i].number < s[j].number
}

// Push implements [heap.Interface].
func (s *slots) Push(v any) { *s = append(*s, v.(slot)) }

// Pop implements [heap.Interface].
func (s *slots) Pop() any {
	last := len(*s) - 1
	v := (*s)[last]
	*s = (*s)[:last]
	return v
}

// schedule has a message delivered when it is due.
func (t *topic) schedule(number uint64, due time.Time) {
	t.mu.Lock()
	heap.Push(&t.queue, slot{due, number})
	t.mu.Unlock()
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// take removes the first message from the schedule if it is due. Otherwise it
// returns when one will be, the zero time if there is none.
func (t *topic) take(now time.Time) (number uint64, ok bool, next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return 0, false, time.Time{}
	}
	if next = t.queue[0].due; next.After(now) {
		return 0, false, next
	}
	return heap.Pop(&t.queue).(slot).number, true, time.Time{}
}

// next waits for a message to be due. It is false when ctx ends first.
func (t *topic) next(ctx context.Context, clock func() time.Time) (number uint64, ok bool) {
	for ctx.Err() == nil {
		now := clock()
		number, ok, next := t.take(now)
		if ok {
			return number, true
		}
		t.sleep(ctx, next, now)
	}
	return 0, false
}

// sleep ends at the next time, if there is one, or when something is
// scheduled, or with ctx.
func (t *topic) sleep(ctx context.Context, next, now time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(next.Sub(now))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-t.news:
	case <-due:
	}
}
