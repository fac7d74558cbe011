package secretmanager

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxPayload is how many bytes a version may hold.
const maxPayload = 64 << 10

// checksum is what the API calls CRC32C.
func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}

// version finds a version by its name, which may end in an alias if those are
// allowed.
func (st *state) version(name string, aliases bool) (*version, error) {
	parent, id, err := parseVersion(name, aliases)
	if err != nil {
		return nil, err
	}
	s, err := st.secret(parent)
	if err != nil {
		return nil, err
	}
	n, ok := s.Secret.pb.GetVersionAliases()[id]
	switch {
	case id == "latest":
		n = int64(len(s.Versions))
	case !ok:
		n, _ = strconv.ParseInt(id, 10, 64) // what is no number, or too great a one, is not found
	}
	if n < 1 || n > int64(len(s.Versions)) {
		return nil, status.Errorf(codes.NotFound, "Secret Version [%s/versions/%s] not found.", parent, id)
	}
	return s.Versions[n-1], nil
}

// AddSecretVersion adds an enabled version.
func (a api) AddSecretVersion(ctx context.Context, req *pb.AddSecretVersionRequest) (*pb.SecretVersion, error) {
	return perform(ctx, a.Server, "AddSecretVersion", req.GetParent(), func(st *state) (*pb.SecretVersion, error) {
		s, err := st.secret(req.GetParent())
		if err != nil {
			return nil, err
		}
		if err := checkPayload(req.GetPayload()); err != nil {
			return nil, err
		}
		added := &pb.SecretVersion{
			Name:                           fmt.Sprintf("%s/versions/%d", s.Secret.pb.GetName(), len(s.Versions)+1),
			CreateTime:                     timestamppb.New(a.now()),
			State:                          pb.SecretVersion_ENABLED,
			ReplicationStatus:              s.replicationStatus(),
			Etag:                           st.etag(),
			ClientSpecifiedPayloadChecksum: req.GetPayload().DataCrc32C != nil,
		}
		v := &version{Payload: slices.Clone(req.GetPayload().GetData())}
		v.Version.pb = added
		s.Versions = append(s.Versions, v)
		return proto.CloneOf(added), nil
	})
}

func checkPayload(p *pb.SecretPayload) error {
	switch {
	case len(p.GetData()) == 0:
		return invalid("the secret payload is empty")
	case len(p.GetData()) > maxPayload:
		return invalid("the secret payload has %d bytes; it may have %d", len(p.GetData()), maxPayload)
	case p.DataCrc32C != nil && p.GetDataCrc32C() != checksum(p.GetData()):
		return invalid("the secret payload does not have the checksum that was sent with it")
	}
	return nil
}

func (s *secret) replicationStatus() *pb.ReplicationStatus {
	replicas := s.Secret.pb.GetReplication().GetUserManaged().GetReplicas()
	if replicas == nil {
		return &pb.ReplicationStatus{ReplicationStatus: &pb.ReplicationStatus_Automatic{
			Automatic: &pb.ReplicationStatus_AutomaticStatus{},
		}}
	}
	managed := &pb.ReplicationStatus_UserManagedStatus{}
	for _, r := range replicas {
		managed.Replicas = append(managed.Replicas, &pb.ReplicationStatus_UserManagedStatus_ReplicaStatus{Location: r.GetLocation()})
	}
	return &pb.ReplicationStatus{ReplicationStatus: &pb.ReplicationStatus_UserManaged{UserManaged: managed}}
}

// GetSecretVersion returns what is known of a version but its value.
func (a api) GetSecretVersion(ctx context.Context, req *pb.GetSecretVersionRequest) (*pb.SecretVersion, error) {
	return perform(ctx, a.Server, "GetSecretVersion", req.GetName(), func(st *state) (*pb.SecretVersion, error) {
		v, err := st.version(req.GetName(), true)
		if err != nil {
			return nil, err
		}
		return proto.CloneOf(v.Version.pb), nil
	})
}

// AccessSecretVersion returns a version's value.
func (a api) AccessSecretVersion(ctx context.Context, req *pb.AccessSecretVersionRequest) (*pb.AccessSecretVersionResponse, error) {
	return perform(ctx, a.Server, "AccessSecretVersion", req.GetName(), func(st *state) (*pb.AccessSecretVersionResponse, error) {
		v, err := st.version(req.GetName(), true)
		if err != nil {
			return nil, err
		}
		if v.Version.pb.GetState() != pb.SecretVersion_ENABLED {
			return nil, v.wrongState()
		}
		return &pb.AccessSecretVersionResponse{
			Name:    v.Version.pb.GetName(),
			Payload: &pb.SecretPayload{Data: slices.Clone(v.Payload), DataCrc32C: proto.Int64(checksum(v.Payload))},
		}, nil
	})
}

func (v *version) wrongState() error {
	return status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in %s state.", v.Version.pb.GetName(), v.Version.pb.GetState())
}

// EnableSecretVersion makes a version accessible.
func (a api) EnableSecretVersion(ctx context.Context, req *pb.EnableSecretVersionRequest) (*pb.SecretVersion, error) {
	return perform(ctx, a.Server, "EnableSecretVersion", req.GetName(), func(st *state) (*pb.SecretVersion, error) {
		return st.put(req, pb.SecretVersion_ENABLED, a.now())
	})
}

// DisableSecretVersion makes a version inaccessible until it is enabled.
func (a api) DisableSecretVersion(ctx context.Context, req *pb.DisableSecretVersionRequest) (*pb.SecretVersion, error) {
	return perform(ctx, a.Server, "DisableSecretVersion", req.GetName(), func(st *state) (*pb.SecretVersion, error) {
		return st.put(req, pb.SecretVersion_DISABLED, a.now())
	})
}

// DestroySecretVersion destroys a version's value; the version stays.
func (a api) DestroySecretVersion(ctx context.Context, req *pb.DestroySecretVersionRequest) (*pb.SecretVersion, error) {
	return perform(ctx, a.Server, "DestroySecretVersion", req.GetName(), func(st *state) (*pb.SecretVersion, error) {
		return st.put(req, pb.SecretVersion_DESTROYED, a.now())
	})
}

// stateRequest is what the requests have in common that change a state.
type stateRequest interface {
	GetName() string
	GetEtag() string
}

// put brings a version into a state.
func (st *state) put(req stateRequest, to pb.SecretVersion_State, now time.Time) (*pb.SecretVersion, error) {
	v, err := st.version(req.GetName(), false)
	if err != nil {
		return nil, err
	}
	if err := checkETag(req.GetEtag(), v.Version.pb.GetEtag()); err != nil {
		return nil, err
	}
	if v.Version.pb.GetState() == pb.SecretVersion_DESTROYED {
		return nil, v.wrongState()
	}
	v.Version.pb.State, v.Version.pb.Etag = to, st.etag()
	if to == pb.SecretVersion_DESTROYED {
		v.Version.pb.DestroyTime = timestamppb.New(now)
		v.Payload = nil
	}
	return proto.CloneOf(v.Version.pb), nil
}

// ListSecretVersions lists a secret's versions, the newest first.
func (a api) ListSecretVersions(ctx context.Context, req *pb.ListSecretVersionsRequest) (*pb.ListSecretVersionsResponse, error) {
	return perform(ctx, a.Server, "ListSecretVersions", req.GetParent(), func(st *state) (*pb.ListSecretVersionsResponse, error) {
		s, err := st.secret(req.GetParent())
		if err != nil {
			return nil, err
		}
		matches, err := parseFilter(req.GetFilter(), versionField)
		if err != nil {
			return nil, err
		}
		at := a.now().Add(-a.lag)
		if !s.existed(at) {
			return nil, status.Errorf(codes.NotFound, "Secret [%s] not found.", s.Secret.pb.GetName())
		}
		all := s.listed(at)
		found := slices.DeleteFunc(slices.Clone(all), func(v numbered) bool { return !matches(v.field) })
		page, next, err := cut(found, func(v numbered) int64 { return v.number }, req, s.Secret.pb.GetName())
		if err != nil {
			return nil, err
		}
		resp := &pb.ListSecretVersionsResponse{NextPageToken: next, TotalSize: total(req.GetFilter(), len(all))}
		for _, v := range page {
			resp.Versions = append(resp.Versions, v.SecretVersion)
		}
		return resp, nil
	})
}

// numbered is a version with its number.
type numbered struct {
	*pb.SecretVersion
	number int64
}

func (v numbered) field(name string) (string, bool) {
	if name == "state" {
		return v.GetState().String(), true
	}
	return v.GetName(), true
}

// listed returns copies of the secret's versions as of a time, the newest
// first. What was disabled or enabled since then is shown as it is now.
func (s *secret) listed(at time.Time) []numbered {
	var out []numbered
	for i, v := range slices.Backward(s.Versions) {
		c := proto.CloneOf(v.Version.pb)
		if c.GetCreateTime().AsTime().After(at) {
			continue
		}
		if c.GetDestroyTime() != nil && c.GetDestroyTime().AsTime().After(at) {
			c.State, c.DestroyTime = pb.SecretVersion_ENABLED, nil
		}
		out = append(out, numbered{c, int64(i) + 1})
	}
	return out
}
