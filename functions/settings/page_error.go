package settings

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/session"
)

// fail answers with a page that says what went wrong and where to go. Of a
// request by nobody known v is nil.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	if v == nil {
		h.failStranger(w, r, "", err)
		return
	}
	h.failOn(w, r, v.page("error", "", ""), err)
}

// failStranger does so for somebody who was not let in. The locale is the one
// that is known to be hers, and may be empty.
func (h *handler) failStranger(w http.ResponseWriter, r *http.Request, locale string, err error) {
	h.failOn(w, r, page{Speaker: h.words.Speaker(locale, r.Header.Get("Accept-Language")), Template: "error"}, err)
}

func (h *handler) failOn(w http.ResponseWriter, r *http.Request, p page, err error) {
	fault.Log(h.Log, r, err)
	p.Status = fault.Status(err)
	key := failure(err, p.Status)
	p.Title, p.Body = p.T(key+".title"), p.T(key)
	switch {
	case key == "error.500":
		p.Body = p.T(key, logging.TraceOf(r.Context()).ID)
	case key == "error.409":
		p.Body = p.T(key, p.Company)
	case p.Status == http.StatusUnauthorized:
		p.Return = h.platform("")
		if p.Resend = h.resendOf(w, r); p.Resend != nil {
			p.Title, p.Body = p.T("error.401.resend.title"), p.T("error.401.resend")
			if p.Resend.leavesPanel() {
				h.leadOut(w)
			}
		}
	}
	h.render(w, r, p)
}

// failure is the key of the words for an error.
func failure(err error, status int) string {
	switch {
	case errors.Is(err, session.ErrUsed):
		return "error.401.used"
	case errors.Is(err, session.ErrExpired):
		return "error.401.expired"
	case errors.Is(err, errOtherCompany):
		return "error.409"
	}
	switch status {
	case http.StatusUnauthorized:
		return "error.401"
	case http.StatusForbidden:
		return "error.403"
	case http.StatusNotFound:
		return "error.404"
	case http.StatusConflict, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "error.503"
	}
	if status < http.StatusInternalServerError {
		return "error.400"
	}
	return "error.500"
}

// platform is the address of the platform's page that leads here. While the
// company is not known, it is the platform's front page.
func (h *handler) platform(company booking.CompanyID) string {
	whole := h.PlatformURL.For(company)
	if company != "" || whole == string(h.PlatformURL) {
		return whole
	}
	u, err := url.Parse(h.PlatformURL.For("0"))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/"
}
