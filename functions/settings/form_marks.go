package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
)

// A form of options has a field for each of them, and beside it, below wasField,
// a mark of what the page showed in it. A field that is still as it was shown
// names nothing: what was changed in another tab, or by the API, meanwhile
// stays.
const wasField = "was."

// marks are those of the fields, by the names that the form has for them.
func marks(fields map[string]string) map[string]string {
	out := make(map[string]string, len(fields))
	for name, value := range fields {
		out[wasField+name] = markOf(value)
	}
	return out
}

// markOf tells one value of a field from others.
func markOf(value string) string {
	sum := sha256.Sum256([]byte(tidy(value)))
	return hex.EncodeToString(sum[:6])
}

// changedField is what a form names for a field; nil: nothing.
func changedField(form url.Values, name string) *string {
	values := form[name]
	if len(values) == 0 {
		return nil
	}
	value := values[len(values)-1] // of a box that is ticked it follows the one for a box that is not
	if form.Get(wasField+name) == markOf(value) {
		return nil
	}
	return &value
}

// changedBox is changedField for a box that is ticked or not.
func changedBox(form url.Values, name string) *bool {
	v := changedField(form, name)
	if v == nil {
		return nil
	}
	yes := *v == strconv.FormatBool(true)
	return &yes
}
