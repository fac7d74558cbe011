package firestore

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// declared is terraform/firestore.indexes.json, in the Firebase CLI's format.
type declared struct {
	Indexes        []composite `json:"indexes"`
	FieldOverrides []override  `json:"fieldOverrides"`
}

type composite struct {
	CollectionGroup string  `json:"collectionGroup"`
	QueryScope      string  `json:"queryScope"`
	Fields          []index `json:"fields"`
}

type override struct {
	CollectionGroup string  `json:"collectionGroup"`
	FieldPath       string  `json:"fieldPath"`
	TTL             bool    `json:"ttl"`
	Indexes         []index `json:"indexes"`
}

// index is a field's part of an index, or a single-field index.
type index struct {
	FieldPath   string `json:"fieldPath"`
	Order       string `json:"order"`
	ArrayConfig string `json:"arrayConfig"`
	QueryScope  string `json:"queryScope"`
}

func readDeclared(t *testing.T) declared {
	t.Helper()
	data, err := os.ReadFile("../../../terraform/firestore.indexes.json")
	if err != nil {
		t.Fatal(err)
	}
	var d declared
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// checkIndexes compares the traffic with the declarations, and then proves of
// every single declaration that it would be missed.
func checkIndexes(t *testing.T, w *wireTap) {
	d, need := readDeclared(t), needs(t, w)
	for _, p := range d.problems(need) {
		t.Error(p)
	}
	for i, c := range d.Indexes {
		less := d
		less.Indexes = slices.Delete(slices.Clone(d.Indexes), i, i+1)
		if len(less.problems(need)) == 0 {
			t.Errorf("nobody would miss the index of %s over %v", c.CollectionGroup, c.Fields)
		}
	}
	for i, o := range d.FieldOverrides {
		less := d
		less.FieldOverrides = slices.Delete(slices.Clone(d.FieldOverrides), i, i+1)
		if len(less.problems(need)) == 0 {
			t.Errorf("nobody would miss the override of %s/%s", o.CollectionGroup, o.FieldPath)
		}
	}
}

// need is what the traffic needs of the database.
type need struct {
	queries []composite                // the index that each needs; of one field: a single-field index
	written map[string]map[string]bool // the fields of each collection's documents
}

func needs(t *testing.T, w *wireTap) need {
	t.Helper()
	n := need{written: map[string]map[string]bool{}}
	for _, q := range w.queries {
		c := indexFor(t, q.GetStructuredQuery())
		if !slices.ContainsFunc(n.queries, c.same) {
			n.queries = append(n.queries, c)
		}
	}
	for _, c := range w.commits {
		for _, write := range c.GetWrites() {
			n.addDocument(write.GetUpdate())
		}
	}
	if len(n.queries) < 8 || len(n.written) < 7 {
		t.Fatalf("only %d queries and %d kinds of documents were seen: run the whole of TestStore", len(n.queries), len(n.written))
	}
	return n
}

func (n need) addDocument(doc *pb.Document) {
	if doc == nil {
		return // a deletion
	}
	parts := strings.Split(doc.GetName(), "/")
	collection := parts[len(parts)-2]
	if n.written[collection] == nil {
		n.written[collection] = map[string]bool{}
	}
	n.addFields(collection, "", doc.GetFields())
}

// addFields adds the fields of a document, or of a map in it, by their paths.
func (n need) addFields(collection, prefix string, m map[string]*pb.Value) {
	for name, v := range m {
		n.written[collection][prefix+name] = true
		n.addFields(collection, prefix+name+".", v.GetMapValue().GetFields())
	}
}

// indexFor derives the index that a query needs, by the rules of Firestore's
// page "Index types": the fields that are compared for equality, then those
// that are ordered by, then the name. Those that are compared otherwise must
// be the first that are ordered by. That several indexes may be merged, or be
// in another order of equal worth, is not counted on.
func indexFor(t *testing.T, q *pb.StructuredQuery) composite {
	t.Helper()
	c := composite{CollectionGroup: q.GetFrom()[0].GetCollectionId(), QueryScope: "COLLECTION"}
	if q.GetFrom()[0].GetAllDescendants() {
		c.QueryScope = "COLLECTION_GROUP"
	}
	orders, ranges := q.GetOrderBy(), map[string]bool{}
	for _, f := range filters(q.GetWhere()) {
		switch name := f.GetField().GetFieldPath(); f.GetOp() {
		case pb.StructuredQuery_FieldFilter_EQUAL, pb.StructuredQuery_FieldFilter_IN:
			c.Fields = append(c.Fields, index{FieldPath: name})
		case pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS:
			c.Fields = append(c.Fields, index{FieldPath: name, ArrayConfig: "CONTAINS"})
		default:
			ranges[name] = true
		}
	}
	for i, o := range orders {
		if name := o.GetField().GetFieldPath(); i < len(ranges) && !ranges[name] {
			t.Fatalf("a query with inequalities on %v is ordered by %s first", ranges, name)
		}
		c.Fields = append(c.Fields, index{FieldPath: o.GetField().GetFieldPath(), Order: o.GetDirection().String()})
	}
	return c.withoutName(t)
}

func filters(f *pb.StructuredQuery_Filter) []*pb.StructuredQuery_FieldFilter {
	switch {
	case f == nil:
		return nil
	case f.GetFieldFilter() != nil:
		return []*pb.StructuredQuery_FieldFilter{f.GetFieldFilter()}
	}
	var all []*pb.StructuredQuery_FieldFilter
	for _, f := range f.GetCompositeFilter().GetFilters() {
		all = append(all, filters(f)...)
	}
	return all
}

// withoutName cuts the name off, which every index ends with, in the direction
// of the field before. By name alone there is only the ascending order.
func (c composite) withoutName(t *testing.T) composite {
	t.Helper()
	last := len(c.Fields) - 1
	if last < 0 || c.Fields[last].FieldPath != fieldName {
		t.Fatalf("a query over %s is not ordered by name in the end", c.CollectionGroup)
	}
	direction := "ASCENDING"
	if last > 0 && c.Fields[last-1].Order != "" {
		direction = c.Fields[last-1].Order
	}
	if c.Fields[last].Order != direction {
		t.Fatalf("a query over %s is ordered by name %s, after %v", c.CollectionGroup, c.Fields[last].Order, c.Fields)
	}
	c.Fields = c.Fields[:last]
	if last > 0 && c.Fields[last-1].ArrayConfig == "" {
		c.Fields[last-1].Order = direction // it matters to the name, also where the field is compared for equality
	}
	return c
}

// same reports whether an index serves where c is needed, or the other way
// round: a field that is compared for equality may be in either order.
func (c composite) same(o composite) bool {
	if c.CollectionGroup != o.CollectionGroup || c.QueryScope != o.QueryScope {
		return false
	}
	return slices.EqualFunc(c.Fields, o.Fields, func(a, b index) bool {
		return a.FieldPath == b.FieldPath && a.ArrayConfig == b.ArrayConfig && (a.Order == b.Order || a.Order == "" || b.Order == "")
	})
}

func (c composite) String() string {
	return fmt.Sprintf("%s in scope %s over %v", c.CollectionGroup, c.QueryScope, c.Fields)
}

// problems lists what is declared wrongly.
func (d declared) problems(n need) []string {
	return slices.Concat(d.missing(n), d.idle(n), d.notExempt(n), d.notExpiring(n))
}

// missing lists the queries without an index.
func (d declared) missing(n need) []string {
	var ps []string
	have := d.all()
	for _, q := range n.queries {
		if len(q.Fields) > 0 && !slices.ContainsFunc(have, q.same) {
			ps = append(ps, fmt.Sprintf("no index is declared for a query over %v", q))
		}
	}
	return ps
}

// idle lists the indexes that no query uses.
func (d declared) idle(n need) []string {
	var ps []string
	for _, have := range d.all() {
		if !slices.ContainsFunc(n.queries, have.same) {
			ps = append(ps, fmt.Sprintf("no query uses the index of %v", have))
		}
	}
	return ps
}

// all lists the indexes, also those of single fields.
func (d declared) all() []composite {
	all := slices.Clone(d.Indexes)
	for _, o := range d.FieldOverrides {
		for _, i := range o.Indexes {
			i.FieldPath = o.FieldPath
			all = append(all, composite{CollectionGroup: o.CollectionGroup, QueryScope: i.QueryScope, Fields: []index{i}})
		}
	}
	return all
}

// notExempt lists the written fields for which nothing is declared, so that
// they have the indexes that every field has by default.
func (d declared) notExempt(n need) []string {
	var ps []string
	for collection, names := range n.written {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if d.overrideOf(collection, name) == nil {
				ps = append(ps, fmt.Sprintf("field %s of %s is not exempt from indexing", name, collection))
			}
		}
	}
	return ps
}

// overrideOf is what counts for a field: its own override, or that of the map
// that it is in, or that of all fields, "*" (page "Index types").
func (d declared) overrideOf(collection, name string) *override {
	for {
		for i, o := range d.FieldOverrides {
			if o.CollectionGroup == collection && o.FieldPath == name {
				return &d.FieldOverrides[i]
			}
		}
		dot := strings.LastIndexByte(name, '.')
		switch {
		case name == "*":
			return nil
		case dot < 0:
			name = "*"
		default:
			name = name[:dot]
		}
	}
}

// notExpiring lists the collections whose documents say when they expire, but
// are not deleted then, and those of which it is the other way round.
func (d declared) notExpiring(n need) []string {
	var ps []string
	for collection, names := range n.written {
		o := d.overrideOf(collection, fieldExpireAt)
		if says, does := names[fieldExpireAt], o != nil && o.FieldPath == fieldExpireAt && o.TTL; says != does {
			ps = append(ps, fmt.Sprintf("%s: %s is written: %t, has a time-to-live policy: %t", collection, fieldExpireAt, says, does))
		}
	}
	for _, o := range d.FieldOverrides {
		if o.TTL && o.FieldPath != fieldExpireAt {
			ps = append(ps, fmt.Sprintf("%s has a time-to-live policy on %s", o.CollectionGroup, o.FieldPath))
		}
	}
	return ps
}
