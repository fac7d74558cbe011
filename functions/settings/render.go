package settings

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/citasync/citasync/functions/settings/words"
)

//go:embed templates
var templateFS embed.FS

// pages are the templates by name, each with the frame around it.
type pages map[string]*template.Template

func loadPages() (pages, error) {
	p := pages{}
	for _, name := range []string{"overview", "disable", "options", "messages", "replace", "connect", "test", "history", "feed", "booking", "activity", "error"} {
		t, err := template.ParseFS(templateFS, "templates/frame.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p[name] = t
	}
	return p, nil
}

// page is what a template is given. Templates hold no words: they say
// messages, by T, or show what was put into words for them.
type page struct {
	*words.Speaker
	Template string
	Status   int // zero: 200
	Title    string
	Said     *notice // how something went: first in the title, which is read aloud when a page is there; may be nil
	Section  string  // of the navigation: overview, history, feed, activity
	Company  string  // its name; empty: nobody is let in, so there is no navigation
	Return   string  // back to the platform; may be empty
	Zone     string  // said at the foot; may be empty
	Resend   *resend // a form to send again; may be nil
	Banners  []banner
	Style    string
	Script   string
	Icon     string
	Answer   bool // to a form
	Body     any  // the template's own
}

// page begins a page for the visit.
func (v *visit) page(name, section, title string) page {
	return page{
		Speaker: v.say, Template: name, Section: section, Title: title, Company: v.name(), Return: v.back,
	}
}

// render answers with the page. Nothing is sent before all of it is there.
func (h *handler) render(w http.ResponseWriter, r *http.Request, p page) {
	p.Answer = r.Method == http.MethodPost
	p.Style, p.Script, p.Icon = h.files.url("panel.css"), h.files.url("panel.js"), h.files.url("icon.svg")
	var b bytes.Buffer
	if err := h.pages[p.Template].ExecuteTemplate(&b, "frame.html", p); err != nil {
		h.Log.ErrorContext(r.Context(), "page not rendered", "page", p.Template, "error", err.Error())
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Lang())
	if p.Answer {
		// Whoever comes back to the answer of a form is to see it: what may not be
		// kept at all, browsers ask for by sending the form once more.
		w.Header().Set("Cache-Control", "private, no-cache")
	}
	if p.Status == 0 {
		p.Status = http.StatusOK
	}
	w.WriteHeader(p.Status)
	_, _ = b.WriteTo(w) // the browser has gone: nobody is left to tell
}
