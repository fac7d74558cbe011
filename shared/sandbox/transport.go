package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Transport returns a round tripper that hands requests to the handler without
// a network, whatever host they are for. A dropped connection is
// [io.ErrUnexpectedEOF]. A request whose context ends returns the context's
// error at once; the handler's goroutine then ends as soon as it notices, since
// it waits on nothing else but the same context. It waits on timers and
// channels only, so that it works under testing/synctest.
func (s *Sandbox) Transport() http.RoundTripper { return transport{s.handler} }

type transport struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		closeBody(r)
		return nil, err
	}
	in, err := incoming(r)
	if err != nil {
		return nil, err
	}
	done := make(chan result, 1) // buffered: the sender never waits for a client that has gone
	go func() { done <- t.handle(in) }()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case res := <-done:
		return res.response(r)
	}
}

// incoming is the request as a server sees it.
func incoming(r *http.Request) (*http.Request, error) {
	var body []byte
	if r.Body != nil {
		defer closeBody(r)
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	return in, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // it was read: nothing depends on it any more
	}
}

type result struct {
	rec      recorder
	panicked any
}

func (t transport) handle(r *http.Request) (res result) {
	defer func() { res.panicked = recover() }()
	res.rec.header = make(http.Header)
	t.handler.ServeHTTP(&res.rec, r)
	return res
}

func (res result) response(r *http.Request) (*http.Response, error) {
	if res.panicked == http.ErrAbortHandler { //nolint:errorlint // the value itself, by net/http's contract
		return nil, io.ErrUnexpectedEOF
	}
	if res.panicked != nil {
		panic(res.panicked)
	}
	status := res.rec.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		Status:        strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        res.rec.header,
		Body:          io.NopCloser(bytes.NewReader(res.rec.body.Bytes())),
		ContentLength: int64(res.rec.body.Len()),
		Request:       r,
	}, nil
}

// recorder is the little of a [http.ResponseWriter] that the handlers use.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
