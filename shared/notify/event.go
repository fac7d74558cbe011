package notify

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/citasync/citasync/shared/bus"
)

// event is the data of a notice's message: the envelope that booking events
// have. Nobody's name or address is in it.
type event struct {
	Type      Kind      `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it was sent; later if it is sent again
	Data      eventData `json:"data"`
}

type eventData struct {
	ID          string    `json:"id"`
	CompanyID   string    `json:"company_id"`
	Integration string    `json:"integration"`
	Reason      string    `json:"reason"`
	Since       time.Time `json:"since"`
	Reminder    int       `json:"reminder"`
	Bookings    int       `json:"bookings"`
	SettingsURL string    `json:"settings_url"`
}

func (n *Notifier) event(notice Notice) event {
	return event{
		Type:      notice.Kind,
		Timestamp: stored(n.deps.Now()),
		Data: eventData{
			ID:          notice.id(),
			CompanyID:   string(notice.Company.ID),
			Integration: string(notice.Integration),
			Reason:      string(notice.Reason),
			Since:       stored(notice.Since),
			Reminder:    notice.Reminder,
			Bookings:    notice.Bookings,
			SettingsURL: n.deps.Settings.For(notice.Company.ID),
		},
	}
}

func (n *Notifier) publish(ctx context.Context, e event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	m := bus.Message{Data: data, Attributes: map[string]string{
		bus.AttrType:    string(e.Type),
		bus.AttrCompany: e.Data.CompanyID,
	}}
	_, err = n.deps.Publisher.Publish(ctx, bus.IntegrationEvents, m)
	return err
}

// stored is a time as every store gives it back: in UTC, to the microsecond.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// id names the notice: the first 128 bits of a hash over kind, company,
// integration, beginning and reminder, in 26 characters of base32. Reason and
// number of bookings are not part of it, so that a repetition that knows
// better is still the same notice.
func (n Notice) id() string {
	h := sha256.New()
	for _, s := range []string{
		string(n.Kind), string(n.Company.ID), string(n.Integration),
		strconv.FormatInt(stored(n.Since).UnixMicro(), 10), strconv.Itoa(n.Reminder),
	} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) //nolint:gosec // none is near four gigabytes
		h.Write([]byte(s))
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16]))
}
