package browser

import (
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// observations are what a tab did that nobody sees on the page.
type observations struct {
	mu       sync.Mutex
	requests int
	wrong    []string // each fails the test
}

func (o *observations) add(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}

// observe fails the test for what must happen on no page: a request to another
// site than the page's own, a violation of its policy, and an error in a script.
func (t *tab) observe() {
	t.Helper()
	if err := chromedp.Listen(t.ctx, t.seen.event); err != nil {
		t.Fatal(err)
	}
	call(t, network.Enable, network.EnableParams{})
	call(t, log.Enable, cdp.Empty{})
	call(t, audits.Enable, cdp.Empty{})
	t.Cleanup(func() {
		t.seen.mu.Lock()
		defer t.seen.mu.Unlock()
		for _, w := range t.seen.wrong {
			t.Error(w)
		}
		if t.seen.requests == 0 {
			t.Error("no request was seen")
		}
	})
}

func (o *observations) event(ev any) {
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		o.request(ev)
	case *log.EventEntryAdded:
		if e := ev.Entry; e.Source == log.EntrySourceSecurity || strings.Contains(e.Text, "Content Security Policy") {
			o.add("at %s the browser says: %s", e.URL, e.Text)
		}
	case *audits.EventIssueAdded:
		if d := ev.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil {
			o.add("the page's policy is violated: %s by %s", d.ViolatedDirective, d.BlockedURL)
		}
	case *runtime.EventExceptionThrown:
		o.add("a script failed: %s", ev.ExceptionDetails.Text)
	}
}

// request looks at what a page asks for; where its links and forms lead is no
// part of it.
func (o *observations) request(ev *network.EventRequestWillBeSent) {
	o.mu.Lock()
	o.requests++
	o.mu.Unlock()
	if ev.Type == network.ResourceTypeDocument || strings.HasPrefix(ev.Request.URL, "data:") {
		return
	}
	if origin(ev.Request.URL) != origin(ev.DocumentURL) {
		o.add("%s asks for %s", ev.DocumentURL, ev.Request.URL)
	}
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}
