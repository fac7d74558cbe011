package openapi

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/citasync/citasync/cmd/acceptance/internal/consent"
)

const (
	google   = "/v1/integrations/google-calendar/"
	whatsapp = "/v1/integrations/whatsapp/"
	get      = http.MethodGet
	post     = http.MethodPost
)

// TestAnswers walks through every call in every state, and demands that nothing
// is described that was not seen.
func TestAnswers(t *testing.T) {
	d := read(t, source(t))
	c := newCaller(t, d)
	for _, leg := range []struct {
		name string
		walk func(*caller)
	}{
		{"strangers", strangers},
		{"webhooks", webhooks},
		{"what is malformed", malformed},
		{"disconnected", disconnected},
		{"connected", connected},
		{"lists", lists},
		{"refused", refused},
		{"notices", notices},
		{"feed", feed},
		{"paused", paused},
		{"needs_reauth", needsReauth},
		{"disconnecting", disconnecting},
	} {
		t.Run(leg.name, func(t *testing.T) {
			here := *c
			here.TB = t
			leg.walk(&here)
		})
	}
	t.Run("without WhatsApp", func(t *testing.T) {
		bare := newCaller(t, d, "GOOGLE_CLIENT_ID=x", "GOOGLE_CLIENT_SECRET=x", "GOOGLE_EMULATOR_URL="+c.server.Demo)
		bare.call(http.StatusConflict, post, whatsapp+"enable", "")
		bare.integration("whatsapp")
	})
	if t.Failed() {
		return // not everything was walked
	}
	for _, name := range d.unseen(map[string]string{
		"tellBooking 503": "the queue is in the process: it takes a message or the process fails",
	}) {
		t.Errorf("the document describes %s, which was not seen", name)
	}
}

// strangers: no call without a token that is good.
func strangers(c *caller) {
	stranger := *c
	stranger.token = ""
	stranger.call(http.StatusUnauthorized, post, "/v1/bookings/1/retry", "")
	stranger.call(http.StatusUnauthorized, post, "/v1/bookings/1/look", "")
	for _, path := range []string{"/v1/integrations", google + "calendars", "/v1/bookings", "/v1/bookings/1", "/v1/activity"} {
		stranger.call(http.StatusUnauthorized, get, path, "")
	}
	for _, base := range []string{google, whatsapp} {
		for _, action := range []string{"enable", "disable", "options", "test"} {
			stranger.call(http.StatusUnauthorized, post, base+action, "{}")
		}
	}
}

func webhooks(c *caller) {
	event := c.event("confirmed", "981", 5)
	c.tell(http.StatusAccepted, event, webhookSecret)
	c.tell(http.StatusAccepted, event, webhookSecret) // again
	c.tell(http.StatusAccepted, c.event("reserved", "982", 6), webhookSecret)
	c.tell(http.StatusUnauthorized, event, []byte("another"))
	c.tell(http.StatusRequestEntityTooLarge, strings.Repeat("x", 65<<10), webhookSecret)
	c.tell(http.StatusUnsupportedMediaType, event, webhookSecret, func(h http.Header) { h.Set("Content-Type", "text/plain") })
	for _, body := range []string{"not JSON", "[]", "\xff"} {
		c.tell(http.StatusBadRequest, body, webhookSecret)
	}
	c.example("Unacceptable", "fields", c.tell(http.StatusUnprocessableEntity, endless(event), webhookSecret))
	c.tell(http.StatusUnprocessableEntity, `{"type":"booking.confirmed"}`, webhookSecret)
	c.until("the bookings", func() bool {
		return len(c.call(http.StatusOK, get, "/v1/bookings", "")["bookings"].([]any)) == 2
	})
}

// endless is the event of a booking that ends as it begins.
func endless(event string) string {
	start := regexp.MustCompile(`"start":("[^"]*")`).FindStringSubmatch(event)[1]
	return regexp.MustCompile(`"end":"[^"]*"`).ReplaceAllString(event, `"end":`+start)
}

// malformed is refused alike wherever there is a body.
func malformed(c *caller) {
	for _, path := range []string{google + "enable", google + "disable", google + "options", whatsapp + "options"} {
		c.call(http.StatusBadRequest, post, path, `{"`)
		c.call(http.StatusUnsupportedMediaType, post, path, "{}", "Content-Type", "text/plain")
		c.call(http.StatusRequestEntityTooLarge, post, path, `{"x":"`+strings.Repeat("x", 65<<10)+`"}`)
	}
	if p := c.call(http.StatusUnprocessableEntity, post, google+"disable", `{"events":"burn"}`); p["field"] != "events" {
		c.Errorf("blamed is %v", p["field"])
	}
	if p := c.call(http.StatusUnprocessableEntity, post, google+"enable", `{"return_url":"https://evil.example/"}`); p["field"] != "return_url" {
		c.Errorf("blamed is %v", p["field"])
	}
	for _, query := range []string{"limit=0", "cursor=!", "state=lost", "status=done", "from=soon", "phone=1&name=a"} {
		name, _, _ := strings.Cut(query, "=")
		if p := c.call(http.StatusBadRequest, get, "/v1/bookings?"+query, ""); p["field"] == "" {
			c.Errorf("%s: blamed is %v", name, p["field"])
		}
	}
	c.call(http.StatusBadRequest, get, "/v1/activity?limit=1000", "")
	c.call(http.StatusBadRequest, get, "/v1/activity?cursor=!", "")
}

func disconnected(c *caller) {
	if got := c.integration("google-calendar")["status"]; got != "disconnected" {
		c.Errorf("it is %v", got)
	}
	for range 2 { // what is off can be turned off
		c.call(http.StatusOK, post, google+"disable", `{"events":"keep"}`)
		c.call(http.StatusOK, post, whatsapp+"disable", "")
	}
	c.call(http.StatusConflict, get, google+"calendars", "")
	c.call(http.StatusConflict, post, google+"options", `{"title":"{service}"}`)
	c.call(http.StatusConflict, post, google+"test", "")
	c.call(http.StatusConflict, post, whatsapp+"options", `{"language":"en"}`)
	c.call(http.StatusConflict, post, whatsapp+"test", "")
	c.call(http.StatusNotFound, get, "/v1/bookings/nobody", "")
	c.call(http.StatusNotFound, post, "/v1/bookings/nobody/retry", "")
	c.call(http.StatusConflict, post, "/v1/bookings/981/retry", "")
	c.call(http.StatusNotFound, post, "/v1/bookings/nobody/look", "")
	c.call(http.StatusConflict, post, "/v1/bookings/981/look", "")
}

func connected(c *caller) {
	back := c.server.Demo + "/demo/panel?company=2#x"
	b := consent.New(c)
	b.Enter(c.call(http.StatusOK, post, google+"enable", `{"return_url":"`+back+`"}`)["authorize_url"].(string))
	want := c.server.Demo + "/demo/panel?company=2&integration=google-calendar&result=connected#x"
	if got := b.Decide(c.server.URL, ana, true); got != want {
		c.Errorf("led to %s, want %s", got, want)
	}
	c.delivered("981", "google-calendar", "done")
	c.integration("google-calendar")
	calendars := c.call(http.StatusOK, get, google+"calendars", "")["calendars"].([]any)
	if len(calendars) == 0 {
		c.Error("there are no calendars")
	}
	for range 2 {
		c.call(http.StatusOK, post, google+"options", `{"calendar":"primary","title":"{service}","reminder":"30m","language":"es","color":null}`)
	}
	c.call(http.StatusUnprocessableEntity, post, google+"options", `{}`)
	c.call(http.StatusUnprocessableEntity, post, google+"options", `{"calendar":"another"}`)
	c.call(http.StatusUnprocessableEntity, post, google+"options", `{"reminder":"soon","color":"99"}`)
	c.call(http.StatusOK, post, google+"test", "")
	c.call(http.StatusConflict, post, google+"test", "") // too soon
}

// lists asks for bookings by every parameter, and follows the pages.
func lists(c *caller) {
	c.tell(http.StatusAccepted, c.event("deleted", "982", 6), webhookSecret)
	c.delivered("982", "google-calendar", "done")
	day := time.Now().Format(time.DateOnly)
	for _, query := range []url.Values{
		{"state": {"confirmed"}},
		{"integration": {"google-calendar"}, "status": {"done"}},
		{"from": {day}, "until": {"2100-01-01T00:00:00-05:00"}},
		{"phone": {"+57 300 111 2233"}},
		{"name": {"ana"}},
	} {
		if got := c.call(http.StatusOK, get, "/v1/bookings?"+query.Encode(), "")["bookings"].([]any); len(got) == 0 {
			c.Errorf("%v: none", query)
		}
	}
	for _, list := range []string{"bookings", "activity"} {
		cursor, pages := "", 0
		for pages == 0 || cursor != "" && pages < 20 {
			cursor = c.call(http.StatusOK, get, "/v1/"+list+"?limit=1&cursor="+url.QueryEscape(cursor), "")["next_cursor"].(string)
			pages++
		}
		if pages < 2 {
			c.Errorf("%d page of the %s", pages, list)
		}
	}
}

// refused: Google takes a booking when it is asked again.
func refused(c *caller) {
	c.fault("events.insert", http.StatusBadRequest)
	c.tell(http.StatusAccepted, c.event("confirmed", "985", 9), webhookSecret)
	c.delivered("985", "google-calendar", "failed")
	c.sandbox(http.MethodDelete, "faults", "text/plain", "")
	for range 2 {
		c.call(http.StatusOK, post, "/v1/bookings/985/retry", "")
	}
	c.delivered("985", "google-calendar", "done")
	c.call(http.StatusOK, post, "/v1/bookings/985/retry", "") // as if the answer was lost
	c.call(http.StatusOK, post, "/v1/bookings/985/look", "")
}

// notices are WhatsApp's messages.
func notices(c *caller) {
	for range 2 {
		c.call(http.StatusOK, post, whatsapp+"enable", "")
	}
	c.call(http.StatusOK, post, whatsapp+"options", `{"language":"es","notices":{"reserved":false,"confirmed":null}}`)
	c.call(http.StatusUnprocessableEntity, post, whatsapp+"options", `{}`)
	if p := c.call(http.StatusUnprocessableEntity, post, whatsapp+"options", `{"language":"xx"}`); p["field"] != "language" {
		c.Errorf("blamed is %v", p["field"])
	}
	c.call(http.StatusUnprocessableEntity, post, whatsapp+"options", `{"notices":{"birthday":true}}`)
	c.tell(http.StatusAccepted, c.event("confirmed", "983", 7), webhookSecret)
	c.delivered("983", "whatsapp", "done")
	c.call(http.StatusOK, post, whatsapp+"test", "")
	c.call(http.StatusConflict, post, whatsapp+"test", "") // too soon
	quiet := c.of("7")
	quiet.call(http.StatusOK, post, whatsapp+"enable", "")
	quiet.call(http.StatusUnprocessableEntity, post, whatsapp+"test", "") // it has no phone
	c.call(http.StatusOK, post, whatsapp+"disable", "")
}

var feedAddress = regexp.MustCompile(`https?://[^"<>\s]+/feeds/[\w.-]+\.ics`)

func feed(c *caller) {
	b := &http.Client{Jar: jar(c)}
	open := func(method, address string, form url.Values) string {
		r, err := http.NewRequestWithContext(c.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			c.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		res, err := b.Do(r)
		if err != nil {
			c.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			c.Fatal(err)
		}
		return string(page)
	}
	open(get, c.server.Link(c.company), nil)
	page := open(post, c.server.URL+"/settings/feed", url.Values{"action": {"create"}})
	address := feedAddress.FindString(page)
	if address == "" {
		c.Fatalf("the panel shows no address:\n%s", page)
	}
	c.send(http.StatusOK, get, address, "", http.Header{})
	r, err := http.NewRequestWithContext(c.Context(), get, address, nil)
	if err != nil {
		c.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	res.Body.Close()
	c.send(http.StatusNotModified, get, address, "", http.Header{"If-None-Match": {res.Header.Get("ETag")}})
	c.send(http.StatusNotFound, get, c.server.URL+"/feeds/nobody.ics", "", http.Header{})
}

// paused: switched off for every company.
func paused(c *caller) {
	c.server.Run("", "integrations", "disable", "google-calendar")
	c.server.Run("", "integrations", "disable", "whatsapp")
	c.call(http.StatusServiceUnavailable, get, google+"calendars", "")
	c.call(http.StatusServiceUnavailable, post, google+"options", `{"title":"{service}"}`)
	c.example("Unavailable", "paused", c.call(http.StatusServiceUnavailable, post, google+"test", ""))
	c.call(http.StatusServiceUnavailable, post, "/v1/bookings/985/retry", "")
	c.call(http.StatusServiceUnavailable, post, "/v1/bookings/985/look", "")
	c.call(http.StatusServiceUnavailable, post, whatsapp+"enable", "")
	c.call(http.StatusServiceUnavailable, post, whatsapp+"test", "")
	if c.integration("google-calendar")["available"] != false {
		c.Error("what is paused is available")
	}
	c.server.Run("", "integrations", "enable", "google-calendar")
	c.server.Run("", "integrations", "enable", "whatsapp")
}

// needsReauth: Google no longer takes the connection, a booking waits, and the
// test says why.
func needsReauth(c *caller) {
	c.until("the pause to be over", func() bool { return c.integration("google-calendar")["available"] == true })
	c.sandbox(post, "account/revoke", "application/x-www-form-urlencoded", "account="+url.QueryEscape(ana))
	c.tell(http.StatusAccepted, c.event("confirmed", "984", 8), webhookSecret)
	c.status("google-calendar", "needs_reauth")
	c.delivered("984", "google-calendar", "waiting")
	c.call(http.StatusConflict, get, google+"calendars", "")
	c.call(http.StatusConflict, post, google+"test", "")
	c.call(http.StatusConflict, post, google+"options", `{"calendar":"primary"}`)
	c.connect(ana)
	c.delivered("984", "google-calendar", "done")
}

// disconnecting: events can't be removed at once, since Google fails.
func disconnecting(c *caller) {
	c.fault("events.*", http.StatusInternalServerError)
	c.call(http.StatusOK, post, google+"disable", `{"events":"remove"}`)
	c.call(http.StatusOK, post, google+"disable", `{"events":"remove"}`)
	c.status("google-calendar", "disconnecting")
	c.call(http.StatusConflict, get, google+"calendars", "")
	c.call(http.StatusOK, post, google+"disable", `{"events":"keep"}`) // it is cut short
	c.status("google-calendar", "disconnected")
	c.sandbox(http.MethodDelete, "faults", "text/plain", "")
	c.call(http.StatusOK, get, "/v1/activity", "")
}
