package firestore

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"

	"github.com/citasync/citasync/shared/integration"
	"github.com/citasync/citasync/shared/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFormat shows one document of each kind, with every field that there can
// be, as it lies in the database. Operators, exports and earlier versions of
// this program know them by these names.
func TestFormat(t *testing.T) {
	s, w := watched(t, address(t))
	storeAll(t, s)
	got := map[string]any{}
	for _, c := range w.commits {
		for _, write := range c.GetWrites() {
			doc := plain(table(write.GetUpdate().GetFields())).(map[string]any)
			if _, ok := doc[fieldReplaces]; ok {
				doc[fieldReplaces] = "timestamp, the update time of the version replaced"
			}
			got[shortName(s, write.GetUpdate().GetName())] = doc
		}
	}
	data, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "documents.json", append(data, '\n'))
}

// storeAll stores one record of each kind, with something in every field.
func storeAll(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	b, c := fullBooking(), fullConnection()
	company := &store.Company{
		Company: integration.Company{
			ID: "2", Name: "Salón Sol", Locale: "es", Country: "CO", TimeZone: "America/Bogota",
			Email: "sol@example.com", Phone: "+573001112233",
		},
		FeedTokenHash: "f00d", FeedSeed: "5eed",
	}
	entry := &integration.Entry{ID: integration.WhatsApp, Name: "WhatsApp", Description: "Un mensaje", Enabled: true, ChangedAt: now}
	act := store.Activity{
		At: now, Kind: store.ActConnected, Integration: integration.GoogleCalendar, Actor: store.ActorCompany,
		Outcome: "ok", Detail: "ana@example.com", Trace: "0af7",
	}
	state := store.OAuthState{
		Company: "2", Integration: integration.GoogleCalendar, Verifier: "verifier", Session: "session", Replace: true, ExpireAt: now,
	}
	for _, v := range []any{*b, *c, *company, *entry, act, state} {
		filled(t, reflect.TypeOf(v).String(), reflect.ValueOf(v))
	}
	for what, err := range map[string]error{
		"booking": s.CommitBooking(ctx, b), "connection": s.PutConnection(ctx, "2", c, act),
		"company": s.PutCompany(ctx, company), "entry": s.PutEntry(ctx, entry),
		"state": s.PutState(ctx, "hash", state), "link": s.UseLink(ctx, "jti", now, now.Add(time.Hour)),
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if err := s.CommitBooking(ctx, b); err != nil { // a second time, for what an update adds
		t.Fatal(err)
	}
}

// filled complains of fields that hold nothing: the golden file would not show
// them.
func filled(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch {
	case name == "store.Activity.ID", strings.HasSuffix(name, ".Version"): // set by the store
	case v.IsZero():
		t.Errorf("%s is empty", name)
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			filled(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		filled(t, name+"[0]", v.Index(0))
	case v.Kind() == reflect.Map:
		for _, k := range v.MapKeys() {
			filled(t, name+"["+k.String()+"]", v.MapIndex(k))
		}
	}
}

// shortName is a document's path, without the id if that is chance.
func shortName(s *Store, name string) string {
	name = strings.TrimPrefix(name, s.root()+"/")
	if dir := filepath.Dir(name); strings.HasSuffix(dir, "/"+activity) {
		return dir + "/{id}"
	}
	return name
}

// plain is a value as JSON has it, with its type where JSON has none.
func plain(v *pb.Value) any {
	switch v := v.GetValueType().(type) {
	case *pb.Value_NullValue:
		return nil
	case *pb.Value_StringValue:
		return v.StringValue
	case *pb.Value_BooleanValue:
		return v.BooleanValue
	case *pb.Value_IntegerValue:
		return v.IntegerValue
	case *pb.Value_BytesValue:
		return "bytes " + string(v.BytesValue)
	case *pb.Value_TimestampValue:
		return "timestamp " + v.TimestampValue.AsTime().Format(time.RFC3339Nano)
	case *pb.Value_ArrayValue:
		list := []any{}
		for _, e := range v.ArrayValue.GetValues() {
			list = append(list, plain(e))
		}
		return list
	case *pb.Value_MapValue:
		m := map[string]any{}
		for k, e := range v.MapValue.GetFields() {
			m[k] = plain(e)
		}
		return m
	}
	return "unknown type"
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}
