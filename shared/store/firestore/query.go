package firestore

import (
	"math"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// fieldName is a document's resource name, as queries call it.
const fieldName = "__name__"

// from begins a query over a collection of one document's.
func from(collection string) *pb.StructuredQuery {
	return &pb.StructuredQuery{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: collection}}}
}

// fromAll begins a query over every collection of that name.
func fromAll(collection string) *pb.StructuredQuery {
	q := from(collection)
	q.From[0].AllDescendants = true
	return q
}

// where adds filters that must all hold.
func where(q *pb.StructuredQuery, filters ...*pb.StructuredQuery_Filter) {
	switch len(filters) {
	case 0:
		return
	case 1:
		q.Where = filters[0]
		return
	}
	q.Where = &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_CompositeFilter{
		CompositeFilter: &pb.StructuredQuery_CompositeFilter{Op: pb.StructuredQuery_CompositeFilter_AND, Filters: filters},
	}}
}

func filter(name string, op pb.StructuredQuery_FieldFilter_Operator, v *pb.Value) *pb.StructuredQuery_Filter {
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{
		FieldFilter: &pb.StructuredQuery_FieldFilter{Field: field(name), Op: op, Value: v},
	}}
}

func equal(name, v string) *pb.StructuredQuery_Filter {
	return filter(name, pb.StructuredQuery_FieldFilter_EQUAL, text(v))
}

// ascending orders by a field, and by name where it is the same.
func ascending(q *pb.StructuredQuery, name string) {
	order(q, pb.StructuredQuery_ASCENDING, name)
}

// descending orders by a field, and by name where it is the same, each the
// other way round.
func descending(q *pb.StructuredQuery, name string) {
	order(q, pb.StructuredQuery_DESCENDING, name)
}

func order(q *pb.StructuredQuery, direction pb.StructuredQuery_Direction, name string) {
	q.OrderBy = []*pb.StructuredQuery_Order{{Field: field(name), Direction: direction}}
	if name != fieldName {
		q.OrderBy = append(q.OrderBy, &pb.StructuredQuery_Order{Field: field(fieldName), Direction: direction})
	}
}

// orderFirst puts a field, ascending, before what a query is ordered by.
func orderFirst(q *pb.StructuredQuery, name string) {
	q.OrderBy = slices.Insert(q.OrderBy, 0, &pb.StructuredQuery_Order{Field: field(name), Direction: pb.StructuredQuery_ASCENDING})
}

// limited takes the first n results.
func limited(q *pb.StructuredQuery, n int) {
	q.Limit = wrapperspb.Int32(int32(min(n, math.MaxInt32))) //nolint:gosec // not more than fits
}

// namesOnly asks for nothing of the documents but their names.
func namesOnly(q *pb.StructuredQuery) { selected(q, fieldName) }

func selected(q *pb.StructuredQuery, names ...string) {
	q.Select = &pb.StructuredQuery_Projection{}
	for _, name := range names {
		q.Select.Fields = append(q.Select.Fields, field(name))
	}
}

func field(name string) *pb.StructuredQuery_FieldReference {
	return &pb.StructuredQuery_FieldReference{FieldPath: name}
}
