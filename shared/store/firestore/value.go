package firestore

import (
	"fmt"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// fields are those of a document or of a map in one. Its methods leave out
// what is empty.
type fields map[string]*pb.Value

func (f fields) text(name, s string) {
	if s != "" {
		f[name] = text(s)
	}
}

func (f fields) time(name string, t time.Time) {
	if !t.IsZero() {
		f[name] = moment(t)
	}
}

func (f fields) number(name string, n int64) {
	if n != 0 {
		f[name] = integer(n)
	}
}

func (f fields) flag(name string, on bool) {
	if on {
		f[name] = boolean(on)
	}
}

func (f fields) bytes(name string, b []byte) {
	if len(b) > 0 {
		f[name] = &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: b}}
	}
}

func (f fields) table(name string, m fields) {
	if len(m) > 0 {
		f[name] = table(m)
	}
}

func (f fields) list(name string, vs []*pb.Value) {
	if len(vs) > 0 {
		f[name] = list(vs)
	}
}

func (f fields) texts(name string, ss []string) { f.list(name, texts(ss)) }

// A value is allocated together with what it holds: a booking has seventy.

// text is a text value. Bytes that are not UTF-8, which Firestore refuses, are
// replaced.
func text(s string) *pb.Value {
	var v struct {
		pb.Value
		held pb.Value_StringValue
	}
	v.held.StringValue = strings.ToValidUTF8(s, "\uFFFD")
	v.ValueType = &v.held
	return &v.Value
}

func texts(ss []string) []*pb.Value {
	vs := make([]*pb.Value, len(ss))
	for i, s := range ss {
		vs[i] = text(s)
	}
	return vs
}

func integer(n int64) *pb.Value {
	var v struct {
		pb.Value
		held pb.Value_IntegerValue
	}
	v.held.IntegerValue = n
	v.ValueType = &v.held
	return &v.Value
}

func boolean(on bool) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: on}}
}

func list(vs []*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: vs}}}
}

func table(m fields) *pb.Value {
	var v struct {
		pb.Value
		held pb.Value_MapValue
		m    pb.MapValue
	}
	v.m.Fields = m
	v.held.MapValue = &v.m
	v.ValueType = &v.held
	return &v.Value
}

func reference(name string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: name}}
}

// moment is a time cut to microseconds; null for the zero time, which sorts
// before all others.
func moment(t time.Time) *pb.Value {
	if t.IsZero() {
		return &pb.Value{ValueType: &pb.Value_NullValue{}}
	}
	var v struct {
		pb.Value
		held  pb.Value_TimestampValue
		stamp timestamppb.Timestamp
	}
	setStamp(&v.stamp, t)
	v.held.TimestampValue = &v.stamp
	v.ValueType = &v.held
	return &v.Value
}

func stamp(t time.Time) *timestamppb.Timestamp {
	s := new(timestamppb.Timestamp)
	setStamp(s, t)
	return s
}

func setStamp(s *timestamppb.Timestamp, t time.Time) {
	s.Seconds, s.Nanos = t.Unix(), int32(t.Nanosecond()/1000*1000) //nolint:gosec // less than 1e9
}

// reader reads fields. What is missing or null is empty; what is of another
// type than it should be is told by err.
type reader struct {
	fields fields
	wrong  *error
}

func newReader(f fields) reader { return reader{f, new(error)} }

// err tells of the first field that was of another type.
func (r reader) err() error { return *r.wrong }

func (r reader) mismatch(name, want string, v any) {
	if *r.wrong == nil {
		*r.wrong = fmt.Errorf("field %q is not %s but %T", name, want, v)
	}
}

// read reads a field whose value is held by a T.
func read[T, V any](r reader, name, want string, held func(T) V) (v V) {
	switch t := any(r.fields[name].GetValueType()).(type) {
	case T:
		return held(t)
	case nil, *pb.Value_NullValue:
	default:
		r.mismatch(name, want, t)
	}
	return v
}

func (r reader) text(name string) string {
	return read(r, name, "a text", func(v *pb.Value_StringValue) string { return v.StringValue })
}

func (r reader) time(name string) time.Time {
	return read(r, name, "a timestamp", func(v *pb.Value_TimestampValue) time.Time { return v.TimestampValue.AsTime() })
}

func (r reader) number(name string) int64 {
	return read(r, name, "an integer", func(v *pb.Value_IntegerValue) int64 { return v.IntegerValue })
}

func (r reader) flag(name string) bool {
	return read(r, name, "a boolean", func(v *pb.Value_BooleanValue) bool { return v.BooleanValue })
}

func (r reader) bytes(name string) []byte {
	return read(r, name, "bytes", func(v *pb.Value_BytesValue) []byte { return v.BytesValue })
}

func (r reader) list(name string) []*pb.Value {
	return read(r, name, "an array", func(v *pb.Value_ArrayValue) []*pb.Value { return v.ArrayValue.GetValues() })
}

// table reads a map.
func (r reader) table(name string) reader {
	m := read(r, name, "a map", func(v *pb.Value_MapValue) fields { return v.MapValue.GetFields() })
	return reader{m, r.wrong}
}

// texts reads an array of texts.
func (r reader) texts(name string) []string {
	var ss []string
	for _, v := range r.list(name) {
		s, ok := v.GetValueType().(*pb.Value_StringValue)
		if !ok {
			r.mismatch(name, "an array of texts", v.GetValueType())
			return nil
		}
		ss = append(ss, s.StringValue)
	}
	return ss
}

// tables reads an array of maps.
func (r reader) tables(name string) []reader {
	vs := r.list(name)
	rs := make([]reader, 0, len(vs))
	for _, v := range vs {
		m, ok := v.GetValueType().(*pb.Value_MapValue)
		if !ok {
			r.mismatch(name, "an array of maps", v.GetValueType())
			return nil
		}
		rs = append(rs, reader{m.MapValue.GetFields(), r.wrong})
	}
	return rs
}
