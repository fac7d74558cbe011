package settings

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/logging"
	"github.com/citasync/citasync/shared/session"
)

// maxBody bounds a call's body, in bytes: the longest templates fit, also where
// each of their characters is a pair of escapes, of 12 bytes.
const maxBody = 64 << 10

// call adapts a function of the API: it lets the caller's company in, and
// answers with what the function returns.
func (h *handler) call(answer func(*http.Request, session.Claims) (any, error)) http.Handler {
	return fault.Handler(h.Log, func(w http.ResponseWriter, r *http.Request) error {
		claims, err := h.Sessions.Bearer(r.Context(), r)
		if err != nil {
			return fmt.Errorf("bearer token: %w", err)
		}
		*r = *r.WithContext(logging.With(r.Context(), slog.String("company", string(claims.Company)))) // for the line that tells of an error
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := answer(r, claims)
		if err != nil {
			return err
		}
		return writeJSON(w, v)
	})
}

func writeJSON(w http.ResponseWriter, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n')) // the client has gone: nobody is left to tell
	return nil
}

// readOptionalJSON reads a call's body into v, if there is one.
func readOptionalJSON(r *http.Request, v any) error {
	body := bufio.NewReader(r.Body)
	if _, err := body.Peek(1); errors.Is(err, io.EOF) {
		return nil
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	return readJSON(r, v)
}

// readJSON reads a call's body into v.
func readJSON(r *http.Request, v any) error {
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/json" {
		return fmt.Errorf("%w: the body must be application/json", fault.ErrMediaType)
	}
	body := json.NewDecoder(r.Body)
	err := body.Decode(v)
	if err == nil {
		err = atEnd(body)
	}
	var tooLarge *http.MaxBytesError
	var misfit *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return fmt.Errorf("%w: the body has more than %d bytes", fault.ErrTooLarge, maxBody)
	case errors.As(err, &misfit) && misfit.Field != "":
		kind, _, _ := strings.Cut(misfit.Value, " ") // behind it may be the value
		return wrong(misfit.Field, "takes no %s", kind)
	case err != nil:
		return fmt.Errorf("%w: the body is not the JSON of this call", fault.ErrInvalid)
	}
	return nil
}

// atEnd returns an error if more follows.
func atEnd(d *json.Decoder) error {
	switch _, err := d.Token(); {
	case err == nil:
		return errors.New("more than one value")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// wrongCursor names the parameter to blame for an error of a list, of which all
// else was found to be right: the cursor, if one was given.
func wrongCursor(cursor string, err error) error {
	if cursor != "" && errors.Is(err, fault.ErrInvalid) {
		return wrong("cursor", "is not one of this list's")
	}
	return err
}

// stamp is a time in the API: RFC 3339 in its own offset, or empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// stampUTC is stamp in UTC, of a time as stores keep it: what was just written
// may be finer.
func stampUTC(t time.Time) string { return stamp(t.UTC().Truncate(time.Microsecond)) }

// sentences puts what there is of the texts one behind the other, each ended as
// a sentence is.
func sentences(texts ...string) string {
	var b strings.Builder
	for _, s := range texts {
		switch {
		case s == "":
			continue
		case b.Len() > 0:
			b.WriteByte(' ')
		}
		b.WriteString(s)
		if !strings.HasSuffix(s, ".") {
			b.WriteByte('.')
		}
	}
	return b.String()
}
