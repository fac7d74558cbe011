package booking

import "strings"

// FieldError says what is wrong with one field, and how to mend it.
type FieldError struct {
	Field   string `json:"field"` // its JSON path: "data.booking.start"
	Message string `json:"message"`
}

// InvalidError lists everything that is wrong with an event. Its words name
// fields and rules, never the values, which may be personal.
type InvalidError struct {
	Malformed bool // not the JSON of an event at all
	Fields    []FieldError
}

// Error lists the fields with their messages.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("invalid event")
	for i, f := range e.Fields {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		if f.Field != "" {
			b.WriteString(f.Field + " ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}
