package fault

import (
	"errors"

	"github.com/citasync/citasync/shared/booking"
)

// Blame says which one part of a request an error is about: the name of a
// parameter, or of a member of the body. A problem document tells it as field.
func Blame(field string, err error) error { return &blamed{field, err} }

type blamed struct {
	field string
	error
}

// Unwrap is the error itself, whose words the blamed one has.
func (b *blamed) Unwrap() error { return b.error }

// fieldOf is the one part of a request that an error is about; empty if there is
// none, or more than one.
func fieldOf(err error) string {
	if b, ok := errors.AsType[*blamed](err); ok {
		return b.field
	}
	if inv, ok := errors.AsType[*booking.InvalidError](err); ok && len(inv.Fields) == 1 {
		return inv.Fields[0].Field
	}
	return ""
}
