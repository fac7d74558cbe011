package firestore

import (
	"time"
	"unicode/utf16"
	"unicode/utf8"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/citasync/citasync/shared/store"
)

// history narrows the span of a company's bookings to what a filter lets
// through. Each combination of its conditions has an index of its own.
func (r *span) history(f store.Filter) {
	r.kind, r.by, r.null = "by_start"+f.Tag(), fieldStart, true
	var filters []*pb.StructuredQuery_Filter
	if f.Phone != "" {
		filters = append(filters, equal(fieldPhone, f.Phone))
	}
	if mark := f.Mark(); mark != "" {
		filters = append(filters, filter(fieldMarks, pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS, text(mark)))
	}
	descending(r.query, fieldStart)
	if f.Name != "" {
		r.first = fieldNameKey
		filters = append(filters, beginsWith(fieldNameKey, store.NameKey(f.Name))...)
		orderFirst(r.query, fieldNameKey)
	}
	if from, until := f.Starts(); !from.IsZero() || !until.IsZero() {
		r.null = false // null is before no time and after none
		filters = append(filters, between(fieldStart, from, until)...)
	}
	where(r.query, filters...)
}

// beginsWith are the filters for the texts that begin so.
func beginsWith(name, s string) []*pb.StructuredQuery_Filter {
	fs := []*pb.StructuredQuery_Filter{filter(name, pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL, text(s))}
	if end := past(s); end != "" {
		fs = append(fs, filter(name, pb.StructuredQuery_FieldFilter_LESS_THAN, text(end)))
	}
	return fs
}

// past is the first text after all that begin with s, in the order of UTF-8,
// which is that of runes; empty: there is none.
func past(s string) string {
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		if r == utf8.MaxRune {
			continue
		}
		if r++; utf16.IsSurrogate(r) {
			r = afterSurrogates
		}
		return s + string(r)
	}
	return ""
}

// afterSurrogates is the first rune after those code points that are none.
const afterSurrogates = '\ue000'

// between are the filters for the times from one on and before another, where
// they are set.
func between(name string, from, until time.Time) []*pb.StructuredQuery_Filter {
	var fs []*pb.StructuredQuery_Filter
	if !from.IsZero() {
		fs = append(fs, filter(name, pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL, moment(from)))
	}
	if !until.IsZero() {
		fs = append(fs, filter(name, pb.StructuredQuery_FieldFilter_LESS_THAN, moment(until)))
	}
	return fs
}
