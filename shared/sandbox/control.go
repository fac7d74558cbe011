package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// routeControl adds what scripts use.
func (s *Sandbox) routeControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox/faults", s.getFaults)
	mux.HandleFunc("POST /sandbox/faults", s.postFault)
	mux.HandleFunc("DELETE /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /sandbox/faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		if !s.ClearFault(r.PathValue("id")) {
			controlError(w, http.StatusNotFound, errors.New("no such fault"))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /sandbox/behaviour", func(w http.ResponseWriter, _ *http.Request) {
		jsonAnswer(http.StatusOK, s.Behaviour()).write(w)
	})
	mux.HandleFunc("PATCH /sandbox/behaviour", s.patchBehaviour)
	mux.HandleFunc("GET /sandbox/requests.json", func(w http.ResponseWriter, _ *http.Request) {
		jsonAnswer(http.StatusOK, map[string]any{"requests": s.Requests()}).write(w)
	})
	clearRequests := func(w http.ResponseWriter, _ *http.Request) {
		s.ClearRequests()
		w.WriteHeader(http.StatusNoContent)
	}
	mux.HandleFunc("DELETE /sandbox/requests.json", clearRequests)
	mux.HandleFunc("DELETE /sandbox/requests", clearRequests)
}

// wireFault is a [Fault] as JSON. Durations are strings such as "1.5s", which
// time.ParseDuration reads.
type wireFault struct {
	ID          string       `json:"id,omitempty"`
	Operation   string       `json:"operation"`
	Account     string       `json:"account,omitempty"`
	GrantType   string       `json:"grant_type,omitempty"`
	Recipient   string       `json:"recipient,omitempty"`
	Template    string       `json:"template,omitempty"`
	After       int          `json:"after,omitempty"`
	Times       int          `json:"times,omitempty"`
	Until       time.Time    `json:"until,omitzero"`
	Probability float64      `json:"probability,omitempty"`
	Seed        uint64       `json:"seed,omitempty"`
	Latency     wireDuration `json:"latency,omitempty"`
	Action      Action       `json:"action,omitempty"`
	Status      int          `json:"status,omitempty"`
	Reason      string       `json:"reason,omitempty"`
	RetryAfter  wireDuration `json:"retry_after,omitempty"`
	Applied     bool         `json:"applied,omitempty"`
	Late        wireDuration `json:"late,omitempty"`
}

type wireDuration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d wireDuration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *wireDuration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = wireDuration(v)
	return err
}

func (f Fault) wire() wireFault {
	return wireFault{
		ID: f.ID, Operation: f.Operation, Account: f.Account, GrantType: f.GrantType, Recipient: f.Recipient, Template: f.Template,
		After: f.After, Times: f.Times, Until: f.Until, Probability: f.Probability, Seed: f.Seed,
		Latency: wireDuration(f.Latency), Action: f.Action, Status: f.Status, Reason: f.Reason,
		RetryAfter: wireDuration(f.RetryAfter), Applied: f.Applied, Late: wireDuration(f.Late),
	}
}

func (f wireFault) fault() Fault {
	return Fault{
		ID: f.ID, Operation: f.Operation, Account: f.Account, GrantType: f.GrantType, Recipient: f.Recipient, Template: f.Template,
		After: f.After, Times: f.Times, Until: f.Until, Probability: f.Probability, Seed: f.Seed,
		Latency: time.Duration(f.Latency), Action: f.Action, Status: f.Status, Reason: f.Reason,
		RetryAfter: time.Duration(f.RetryAfter), Applied: f.Applied, Late: time.Duration(f.Late),
	}
}

func (s *Sandbox) getFaults(w http.ResponseWriter, _ *http.Request) {
	out := []wireFault{}
	for _, f := range s.Faults() {
		out = append(out, f.wire())
	}
	jsonAnswer(http.StatusOK, map[string]any{"faults": out}).write(w)
}

func (s *Sandbox) postFault(w http.ResponseWriter, r *http.Request) {
	var in wireFault
	if err := decodeStrictly(w, r, &in); err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	id, err := s.AddFault(in.fault())
	if err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	jsonAnswer(http.StatusCreated, map[string]string{"id": id}).write(w)
}

// patchBehaviour changes what the body names and leaves the rest.
func (s *Sandbox) patchBehaviour(w http.ResponseWriter, r *http.Request) {
	b := s.Behaviour()
	err := decodeStrictly(w, r, &b)
	if err == nil {
		err = s.SetBehaviour(b)
	}
	if err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	jsonAnswer(http.StatusOK, b).write(w)
}

// decodeStrictly refuses fields that it does not know: a fault with a
// misspelt condition would strike everything.
func decodeStrictly(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	return nil
}

func controlError(w http.ResponseWriter, status int, err error) {
	jsonAnswer(status, map[string]string{"error": err.Error()}).write(w)
}
