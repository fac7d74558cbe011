package provision

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/bus"
	"github.com/citasync/citasync/shared/emulator/emulatortest"
	"github.com/citasync/citasync/shared/fault"
)

// world is a project at the emulator with one function.
type world struct {
	t     *testing.T
	admin *Admin
	url   string

	mu    sync.Mutex
	got   []string // bodies of the pushes
	takes bool     // whether the function takes messages now
	taken int      // how many it has taken
	after int      // if above 0: it takes a message at this attempt
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	addr := emulatortest.PubSub(t)
	srv := httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(srv.Close)
	w.url = srv.URL + "/"
	var err error
	w.admin, err = Open(t.Context(), "test-"+strings.ToLower(rand.Text()), addr)
	w.must(err)
	t.Cleanup(func() { w.must(w.admin.Close()) })
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, string(body))
	times := 0
	for _, g := range w.got {
		if g == string(body) {
			times++
		}
	}
	if err != nil || !w.takes && times != w.after {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	w.taken++
}

func (w *world) pushes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.got...)
}

func (w *world) take() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.takes, w.got = true, nil
}

func (w *world) publish(topic bus.Topic, data string, attributes map[string]string) {
	w.t.Helper()
	_, err := w.admin.topics.Publish(w.t.Context(), &pubsubpb.PublishRequest{
		Topic: w.admin.topic(string(topic)), Messages: []*pubsubpb.PubsubMessage{{Data: []byte(data), Attributes: attributes}},
	})
	w.must(err)
}

// eventually waits for a state that others bring about.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.t.Fatalf("%s: not within a minute", what)
}

// quick is a policy by which dead letters come soon.
func quick() Policy {
	return Policy{AckDeadline: 10 * time.Second, MinBackoff: 100 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, Attempts: 5}
}

// TestProvision: what is made is what a deployment has, and making it again
// leads to the new endpoint.
func TestProvision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.take()
	w.must(w.admin.Provision(t.Context(), []Push{{"onconfirm", bus.Confirmed, "http://127.0.0.1:1/"}}, quick()))
	w.must(w.admin.Provision(t.Context(), []Push{{"onconfirm", bus.Confirmed, w.url}}, Deployed()))
	got, err := w.admin.subs.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: w.admin.subscription("onconfirm")})
	w.must(err)
	is := map[string]any{
		"topic": got.GetTopic(), "endpoint": got.GetPushConfig().GetPushEndpoint(), "deadline": got.GetAckDeadlineSeconds(),
		"min": got.GetRetryPolicy().GetMinimumBackoff().AsDuration(), "max": got.GetRetryPolicy().GetMaximumBackoff().AsDuration(),
		"dead": got.GetDeadLetterPolicy().GetDeadLetterTopic(), "attempts": got.GetDeadLetterPolicy().GetMaxDeliveryAttempts(),
		"expires": got.GetExpirationPolicy().GetTtl().AsDuration(),
	}
	want := map[string]any{
		"topic": w.admin.topic("booking-confirmed"), "endpoint": w.url, "deadline": int32(60), "min": 10 * time.Second, "max": 10 * time.Minute,
		"dead": w.admin.topic(DeadLetterTopic), "attempts": int32(20), "expires": time.Duration(0),
	}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("subscription (-want +got):\n%s", diff)
	}
	for _, topic := range []bus.Topic{bus.Reserved, bus.Deleted, bus.Maintenance, bus.IntegrationEvents} {
		w.publish(topic, "nobody listens", nil)
	}
	w.publish(bus.Confirmed, "hello", nil)
	w.eventually("the push", func() bool { return len(w.pushes()) == 1 })
}

// TestDeadLetters: a message that is always refused ends among the dead
// letters after the policy's attempts, where it can be read as often as one
// likes, and is sent again as it was.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	push := Push{"onconfirm", bus.Confirmed, w.url}
	w.must(w.admin.Provision(t.Context(), []Push{push}, quick()))
	w.publish(bus.Confirmed, "poison", map[string]string{bus.AttrCompany: "2"})
	w.publish(bus.Confirmed, "poison", map[string]string{bus.AttrCompany: "3"})
	var letters []DeadLetter
	list := func() bool {
		var err error
		letters, err = w.admin.DeadLetters(t.Context())
		w.must(err)
		return len(letters) == 2
	}
	w.eventually("all attempts", func() bool {
		w.must(w.admin.Unstick(t.Context(), push, quick()))
		return len(w.pushes()) >= 10
	})
	w.eventually("dead letters", list)
	if n := len(w.pushes()); n != 10 {
		t.Errorf("two messages were pushed %d times", n)
	}
	if !list() {
		t.Errorf("once read, there are %d", len(letters))
	}
	for _, l := range letters {
		if l.Topic != bus.Confirmed || l.Subscription != "onconfirm" || l.Attempts != 5 || len(l.Attributes) != 1 || l.ID == "" ||
			time.Since(l.PublishedAt) > time.Minute || l.FailedAt.Before(l.PublishedAt) {
			t.Errorf("dead letter %+v", l)
		}
	}
	if err := w.admin.Redrive(t.Context(), "none"); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("redrive of none: %v", err)
	}
	w.take()
	w.must(w.admin.Redrive(t.Context(), letters[0].ID))
	w.eventually("the push", func() bool { return len(w.pushes()) == 1 })
	if got := w.pushes()[0]; !strings.Contains(got, `"company_id":"`+letters[0].Attributes[bus.AttrCompany]+`"`) || strings.Contains(got, sourcePrefix) {
		t.Errorf("sent again: %s", got)
	}
	n, err := w.admin.RedriveAll(t.Context())
	w.must(err)
	if n != 1 {
		t.Errorf("%d sent again", n)
	}
	w.eventually("the push", func() bool { return len(w.pushes()) == 2 })
	letters, err = w.admin.DeadLetters(t.Context())
	w.must(err)
	if len(letters) > 0 {
		t.Errorf("left: %+v", letters)
	}
}

// TestUnstick: messages that were refused at the same time come again, all of
// them, and the subscription is then as it was.
func TestUnstick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.after = 4
	push := Push{"onconfirm", bus.Confirmed, w.url}
	w.must(w.admin.Provision(t.Context(), []Push{push}, Deployed()))
	for i := range 10 {
		w.publish(bus.Confirmed, strconv.Itoa(i), nil)
	}
	w.eventually("ten messages", func() bool {
		w.must(w.admin.Unstick(t.Context(), push, Deployed()))
		time.Sleep(time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.taken == 10
	})
	s, err := w.admin.subs.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: w.admin.subscription("onconfirm")})
	w.must(err)
	if got := s.GetRetryPolicy().GetMinimumBackoff().AsDuration(); got != 10*time.Second || s.GetDeadLetterPolicy().GetMaxDeliveryAttempts() != 20 {
		t.Errorf("retry policy %v, dead-letter policy %v", s.GetRetryPolicy(), s.GetDeadLetterPolicy())
	}
}
