package secretmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// state is all that a server remembers, in the form in which it is kept.
type state struct {
	Changes int64              `json:"changes"` // how many there were; ETags and the order of creation come from it
	Secrets map[string]*secret `json:"secrets"` // by name, with the project's number
}

type secret struct {
	Secret   message[pb.Secret, *pb.Secret] `json:"secret"`
	Order    int64                          `json:"order"`    // of creation, among all secrets
	Versions []*version                     `json:"versions"` // number n is at n-1: none is ever removed
}

type version struct {
	Version message[pb.SecretVersion, *pb.SecretVersion] `json:"version"`
	Payload []byte                                       `json:"payload,omitempty"` // none once it is destroyed
}

// message is a protocol buffer that JSON holds in its own form of JSON.
type message[T any, M interface {
	*T
	proto.Message
}] struct{ pb M }

// MarshalJSON implements [json.Marshaler].
func (m message[T, M]) MarshalJSON() ([]byte, error) { return protojson.Marshal(m.pb) }

// UnmarshalJSON implements [json.Unmarshaler].
func (m *message[T, M]) UnmarshalJSON(data []byte) error {
	m.pb = new(T)
	return protojson.Unmarshal(data, m.pb)
}

// etag counts a change and returns the ETag of what was changed.
func (st *state) etag() string {
	st.Changes++
	return fmt.Sprintf(`"%x"`, st.Changes)
}

const stateFileName = "secrets.json"

func loadState(dir string) (*state, error) {
	st := &state{Secrets: make(map[string]*secret)}
	if dir == "" {
		return st, nil
	}
	path := filepath.Join(dir, stateFileName)
	data, err := os.ReadFile(path) //nolint:gosec // the operator's own directory
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stand-in's secrets: %w", err)
	}
	if err := json.Unmarshal(data, st); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", path, err)
	}
	return st, nil
}

// save brings the state to the disk, unless it is kept in memory only.
func (st *state) save(dir string) error {
	if dir == "" {
		return nil
	}
	data, err := json.Marshal(st)
	if err == nil {
		err = writeAtomically(dir, stateFileName, data)
	}
	if err != nil {
		return fmt.Errorf("saving the stand-in's secrets: %w", err)
	}
	return nil
}

// writeAtomically replaces a file, readable by its owner only, so that a crash
// leaves the old or the new content.
func writeAtomically(dir, name string, data []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, name+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
