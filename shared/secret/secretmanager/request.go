package secretmanager

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
)

// timeout bounds a call of a method, with all its requests and the pauses
// between them. By itself the library would give each request a minute.
const timeout = 20 * time.Second

var errTimeout = fmt.Errorf("%w: Secret Manager took too long", fault.ErrUnavailable)

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, errTimeout)
}

// again repeats a request that Secret Manager was not reached for, which by
// itself the library does for AccessSecretVersion only, after two seconds and
// without end. A quota is not waited for: it is of a minute.
func again() gax.CallOption {
	return repeated(3, 100*time.Millisecond, codes.Unavailable)
}

// untilThere is again for a request to a secret that was just created.
func untilThere() gax.CallOption {
	return repeated(5, 250*time.Millisecond, codes.Unavailable, codes.NotFound)
}

// repeated repeats a request so many times at most while it ends with one of
// the codes. Each pause is a random one below a limit, which doubles.
func repeated(times int, limit time.Duration, on ...codes.Code) gax.CallOption {
	return gax.WithRetry(func() gax.Retryer {
		return &retryer{
			left:    times,
			Retryer: gax.OnCodes(on, gax.Backoff{Initial: limit, Max: 4 * time.Second, Multiplier: 2}),
		}
	})
}

type retryer struct {
	gax.Retryer
	left int
}

// Retry implements [gax.Retryer].
func (r *retryer) Retry(err error) (pause time.Duration, again bool) {
	if r.left == 0 {
		return 0, false
	}
	r.left--
	return r.Retryer.Retry(err)
}

// failed classes the failure of a request under a context of [bounded]. Its
// words are those of Secret Manager, except where a value was sent: then the
// code must do.
func failed(ctx context.Context, method string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: %w", method, cause)
	}
	st := status.Convert(err)
	text := method + ": " + st.Code().String()
	if method != "AddSecretVersion" {
		text += ": " + st.Message()
	}
	switch st.Code() {
	case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Aborted:
		return fmt.Errorf("%s: %w", text, fault.ErrUnavailable)
	default:
		return errors.New(text)
	}
}

// notDestroyed filters lists of versions to those that cost.
const notDestroyed = "state:(ENABLED OR DISABLED)"

// list returns the numbers of those of the company's versions that are not
// destroyed. A secret that is missing has none.
func (s *Store) list(ctx context.Context, company booking.CompanyID) (live []int64, err error) {
	req := &pb.ListSecretVersionsRequest{Parent: s.secretName(company), Filter: notDestroyed}
	for v, err := range s.client.ListSecretVersions(ctx, req, again()).All() {
		if status.Code(err) == codes.NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, failed(ctx, "ListSecretVersions", err)
		}
		n, err := numberOf(v)
		if err != nil {
			return nil, err
		}
		if v.GetState() != pb.SecretVersion_DESTROYED {
			live = append(live, n)
		}
	}
	return live, nil
}

// numberOf is the number of a version of Secret Manager's, whose name it may
// begin with the project's number instead of its id.
func numberOf(v *pb.SecretVersion) (int64, error) {
	_, id, _ := strings.Cut(v.GetName(), "/versions/")
	n := number(id)
	if n == 0 {
		return 0, fmt.Errorf("a version that is called %q", v.GetName())
	}
	return n, nil
}

func payload(value []byte) *pb.SecretPayload {
	return &pb.SecretPayload{Data: value, DataCrc32C: proto.Int64(checksum(value))}
}

// verified returns what a payload holds, unless it was damaged on the way. One
// without a checksum is left to the hash in the version's name.
func verified(p *pb.SecretPayload) ([]byte, error) {
	if p == nil || p.DataCrc32C != nil && p.GetDataCrc32C() != checksum(p.GetData()) {
		return nil, fmt.Errorf("the value does not have its checksum: %w", fault.ErrUnavailable)
	}
	return p.GetData(), nil
}

// checksum is CRC32C, as Secret Manager computes it.
func checksum(value []byte) int64 {
	return int64(crc32.Checksum(value, crc32.MakeTable(crc32.Castagnoli)))
}
