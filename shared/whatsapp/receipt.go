package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/integration"
)

// Told is a receipt with the booking whose message it is of.
type Told struct {
	Company booking.CompanyID
	Booking booking.ID
	Receipt integration.Receipt
}

// delivery is a webhook's body, as far as it is read ("Webhooks: messages,
// statuses").
type delivery struct {
	Entry []struct {
		Changes []struct {
			Value struct {
				Statuses []status `json:"statuses"`
			} `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

type status struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"` // seconds since 1970
	Callback  string `json:"biz_opaque_callback_data"`
	Errors    []struct {
		Code int `json:"code"`
	} `json:"errors"`
}

var errBody = errors.New("not a webhook of the Cloud API")

// Receipts reads the receipts in a webhook's body. Those of other messages
// than this installation's about bookings, and what else there may be in it, are
// left out.
func Receipts(body []byte, installation string) ([]Told, error) {
	var d delivery
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fmt.Errorf("%w: it does not parse", errBody)
	}
	var all []Told
	for _, e := range d.Entry {
		for _, c := range e.Changes {
			for _, s := range c.Value.Statuses {
				if t, err := s.read(installation); err == nil {
					all = append(all, t)
				}
			}
		}
	}
	return all, nil
}

func (s *status) read(installation string) (Told, error) {
	about, err := parseCallback(s.Callback, installation)
	if err != nil {
		return Told{}, err
	}
	st, err := integration.ParseReceiptStatus(s.Status)
	if err != nil {
		return Told{}, err // Meta adds some now and then
	}
	seconds, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil {
		return Told{}, fmt.Errorf("time: %w", err)
	}
	r := integration.Receipt{ID: s.ID, Kind: about.Kind, Revision: about.Revision, Status: st, At: time.Unix(seconds, 0).UTC()}
	if st == integration.ReceiptFailed && len(s.Errors) > 0 {
		r.Code = strconv.Itoa(s.Errors[0].Code)
	}
	return Told{about.Company, about.Booking, r}, nil
}

// Signed reports whether a webhook's body is signed with the app's secret: the
// header X-Hub-Signature-256 is "sha256=" and the HMAC of the body, in
// hexadecimals.
func Signed(body []byte, header, secret string) bool {
	return secret != "" && hmac.Equal([]byte(header), []byte(signature(body, secret)))
}

func signature(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
