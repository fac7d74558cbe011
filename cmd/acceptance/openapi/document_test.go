package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	verrors "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/paths"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/citasync/citasync/cmd/acceptance/internal/served"
)

// document is docs/openapi.yaml, and which of its answers were seen.
type document struct {
	model     *v3.Document
	validator validator.Validator
	seen      map[string]bool // "operation status"
}

// source is the document's text.
func source(t testing.TB) []byte {
	t.Helper()
	root, err := served.Root()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// read makes a validator of a document's text. It is strict: a member that the
// document does not know is an error, though clients are told to ignore such.
func read(t testing.TB, data []byte) *document {
	t.Helper()
	doc, err := libopenapi.NewDocument(data)
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc, config.WithStrictMode(), config.WithFormatAssertions(), config.WithStrictIgnoredHeadersExtra(
		"Content-Security-Policy", "Cross-Origin-Opener-Policy", "Referrer-Policy", "X-Content-Type-Options", "X-Robots-Tag", "Accept-Ranges"))
	if len(errs) > 0 {
		t.Fatal(errors.Join(errs...))
	}
	return &document{model: &model.Model, validator: v, seen: map[string]bool{}}
}

// operation is the id of the operation that a request calls, and the statuses
// that the document has for its answers.
func (d *document) operation(r *http.Request) (string, []string) {
	item, _, _ := paths.FindPath(r, d.model, nil)
	if item == nil {
		return "", nil
	}
	op, ok := item.GetOperations().Get(strings.ToLower(r.Method))
	if !ok {
		return "", nil
	}
	return op.OperationId, slices.Collect(op.Responses.Codes.KeysFromOldest())
}

// check holds an answer against the document, and the request too if the
// installation took it. The bodies may be read again.
func (d *document) check(r *http.Request, sent []byte, res *http.Response, got []byte) error {
	id, codes := d.operation(r)
	if id == "" {
		return fmt.Errorf("the document does not have %s %s", r.Method, r.URL.Path)
	}
	status := strconv.Itoa(res.StatusCode)
	if !slices.Contains(codes, status) {
		return fmt.Errorf("%s: the document does not have the status %s: %s", id, status, got)
	}
	d.seen[id+" "+status] = true
	r.Body, res.Body = io.NopCloser(bytes.NewReader(sent)), io.NopCloser(bytes.NewReader(got))
	var all []error
	if ok, errs := d.validator.ValidateHttpResponse(r, res); !ok {
		all = append(all, fmt.Errorf("%s: answer %s: %w: %s", id, status, explain(errs), got))
	}
	if res.StatusCode < http.StatusBadRequest {
		if ok, errs := d.validator.ValidateHttpRequestSync(r); !ok {
			all = append(all, fmt.Errorf("%s: request: %w: %s", id, explain(errs), sent))
		}
	}
	return errors.Join(all...)
}

// explain puts the validator's findings into one error.
func explain(errs []*verrors.ValidationError) error {
	var all []error
	for _, e := range errs {
		words := []string{e.Message, e.Reason}
		for _, f := range e.SchemaValidationErrors {
			words = append(words, f.FieldPath+": "+f.Reason)
		}
		all = append(all, errors.New(strings.Join(words, "; ")))
	}
	return errors.Join(all...)
}

// described are all answers that the document describes, as they are seen.
func (d *document) described() []string {
	var all []string
	for item := range d.model.Paths.PathItems.ValuesFromOldest() {
		for op := range item.GetOperations().ValuesFromOldest() {
			for code := range op.Responses.Codes.KeysFromOldest() {
				all = append(all, op.OperationId+" "+code)
			}
		}
	}
	return all
}

// unseen are those of them that were not, but for what can't be provoked.
func (d *document) unseen(unprovoked map[string]string) []string {
	var all []string
	for _, name := range d.described() {
		if !d.seen[name] && unprovoked[name] == "" {
			all = append(all, name)
		}
	}
	return all
}

// TestDocument: it is an OpenAPI 3.1 document, and nothing in it stands for
// nothing.
func TestDocument(t *testing.T) {
	data := source(t)
	d := read(t, data)
	if ok, errs := d.validator.ValidateDocument(); !ok {
		t.Error(explain(errs))
	}
	if !strings.HasPrefix(d.model.Version, "3.1") {
		t.Errorf("version %s", d.model.Version)
	}
	ids := map[string]bool{}
	for _, name := range d.described() {
		id, _, _ := strings.Cut(name, " ")
		ids[id] = true
	}
	if len(ids) != 17 {
		t.Errorf("operations %v", slices.Sorted(maps.Keys(ids)))
	}
	for name := range d.model.Components.Schemas.KeysFromOldest() {
		if !bytes.Contains(data, []byte(`#/components/schemas/`+name+`"`)) {
			t.Errorf("nothing is a %s", name)
		}
	}
	for name := range d.model.Components.Responses.KeysFromOldest() {
		if !bytes.Contains(data, []byte(`#/components/responses/`+name+`"`)) {
			t.Errorf("nothing answers with %s", name)
		}
	}
}

// TestDocumentIsStrict: what the installation says and the document does not is
// found, and so is what it is to say and does not.
func TestDocumentIsStrict(t *testing.T) {
	const good = `{"integrations":[{"id":"whatsapp","name":"WhatsApp","available":true,"enabled":false,"status":"disconnected","reason":"","account":"",` +
		`"calendar":{"id":"","name":""},"waiting":0,"refused":0,"since":"","checked_at":"","preview":{"add":0,"more":false},"action":"","message":"",` +
		`"language":"","options":{},"notices":{"reserved":true}}]}`
	d := read(t, source(t))
	for _, tc := range []struct {
		name, old, put string
		ok             bool
	}{
		{"as it is", "", "", true},
		{"a member more", `"waiting":0`, `"waiting":0,"wating":0`, false},
		{"a member more, deep down", `"more":false`, `"more":false,"less":true`, false},
		{"a member more, in one of several forms", `"options":{}`, `"options":{"sound":""}`, false},
		{"a member less", `"account":"",`, "", false},
		{"another type", `"waiting":0`, `"waiting":"0"`, false},
		{"another word", `"disconnected"`, `"off"`, false},
		{"not a time", `"since":""`, `"since":"yesterday"`, false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/v1/integrations", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer x")
		res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}
		err = d.check(r, nil, res, []byte(strings.Replace(good, tc.old, tc.put, 1)))
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
