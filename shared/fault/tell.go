package fault

import (
	"errors"
	"net/http"
)

// Tell marks an error whose words are meant for whoever asked, although its
// status is one of 500 and above: nothing of ours is broken, and so it is not
// logged as an error either. The words of what is wrapped around the marked
// error, or beside it, stay in the log.
func Tell(err error) error { return &told{err} }

type told struct{ error }

// Unwrap is the error itself, whose words the told one has.
func (t *told) Unwrap() error { return t.error }

// words are those of an error that whoever asked may read; false: none. Of a
// marked error beside another that decides the status, nothing is told.
func words(err error) (string, bool) {
	status := Status(err)
	if status < http.StatusInternalServerError {
		return err.Error(), true
	}
	if t, ok := errors.AsType[*told](err); ok && Status(t) == status {
		return t.Error(), true
	}
	return "", false
}
