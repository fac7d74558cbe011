package firestore

import (
	"fmt"
	"strconv"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/citasync/citasync/shared/fault"
)

// put replaces a whole document, whatever is there.
func put(name string, f fields) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{Name: name, Fields: f}}}
}

// fieldReplaces is the version that a document has replaced. By it no write
// leaves a document as it was, which would leave its update time as well.
const fieldReplaces = "replaces"

// putOn replaces a whole document that has the version; one that does not
// exist has the empty version.
func putOn(version, name string, f fields) (*pb.Write, error) {
	w := put(name, f)
	if version == "" {
		w.CurrentDocument = &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: false}}
		return w, nil
	}
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: no such version", fault.ErrConflict)
	}
	updated := time.UnixMicro(n)
	f[fieldReplaces] = moment(updated)
	w.CurrentDocument = unchangedSince(stamp(updated))
	return w, nil
}

// remove deletes a document that was updated last at the time.
func remove(name string, updated *timestamppb.Timestamp) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Delete{Delete: name}, CurrentDocument: unchangedSince(updated)}
}

func unchangedSince(updated *timestamppb.Timestamp) *pb.Precondition {
	return &pb.Precondition{ConditionType: &pb.Precondition_UpdateTime{UpdateTime: updated}}
}

// version is a document's version: its update time, which is in whole
// microseconds.
func version(updated *timestamppb.Timestamp) string {
	return strconv.FormatInt(updated.AsTime().UnixMicro(), 10)
}
