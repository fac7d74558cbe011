package secretmanager

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// secret finds a secret by its name.
func (st *state) secret(name string) (*secret, error) {
	name, err := parseSecret(name)
	if err != nil {
		return nil, err
	}
	s, ok := st.Secrets[name]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "Secret [%s] not found.", name)
	}
	return s, nil
}

// checkETag compares what a client gave, which may be nothing.
func checkETag(given, stored string) error {
	if given != "" && given != stored {
		return status.Errorf(codes.FailedPrecondition, "the etag %s is not the stored one", given)
	}
	return nil
}

// CreateSecret creates a secret without versions.
func (a api) CreateSecret(ctx context.Context, req *pb.CreateSecretRequest) (*pb.Secret, error) {
	resource := req.GetParent() + "/secrets/" + req.GetSecretId()
	return perform(ctx, a.Server, "CreateSecret", resource, func(st *state) (*pb.Secret, error) {
		name, err := parseSecret(resource)
		if err != nil {
			return nil, err
		}
		if err := checkNew(req.GetSecret()); err != nil {
			return nil, err
		}
		if _, ok := st.Secrets[name]; ok {
			return nil, status.Errorf(codes.AlreadyExists, "Secret [%s] already exists.", name)
		}
		created := &pb.Secret{
			Name:        name,
			Replication: proto.CloneOf(req.GetSecret().GetReplication()),
			CreateTime:  timestamppb.New(a.now()),
			Labels:      maps.Clone(req.GetSecret().GetLabels()),
			Annotations: maps.Clone(req.GetSecret().GetAnnotations()),
			Etag:        st.etag(),
		}
		s := &secret{Order: st.Changes}
		s.Secret.pb = created
		st.Secrets[name] = s
		return proto.CloneOf(created), nil
	})
}

// checkNew checks the secret that a client wants created.
func checkNew(s *pb.Secret) error {
	switch r := s.GetReplication().GetReplication().(type) {
	case *pb.Replication_Automatic_:
	case *pb.Replication_UserManaged_:
		if len(r.UserManaged.GetReplicas()) == 0 {
			return invalid("a user-managed replication without replicas")
		}
	default:
		return invalid("the secret has no replication")
	}
	switch {
	case s.GetExpiration() != nil, len(s.GetTopics()) > 0, s.GetRotation() != nil, s.GetVersionDestroyTtl() != nil,
		s.GetCustomerManagedEncryption() != nil, len(s.GetTags()) > 0, s.GetSecretType() != 0:
		return status.Error(codes.Unimplemented,
			"the stand-in has neither expiration nor topics, rotation, delayed destruction, encryption by the customer, tags or types")
	case len(s.GetVersionAliases()) > 0:
		return checkAliases(s.GetVersionAliases(), 0)
	}
	if err := checkLabels(s.GetLabels()); err != nil {
		return err
	}
	return checkAnnotations(s.GetAnnotations())
}

// GetSecret returns what is known of a secret but its values.
func (a api) GetSecret(ctx context.Context, req *pb.GetSecretRequest) (*pb.Secret, error) {
	return perform(ctx, a.Server, "GetSecret", req.GetName(), func(st *state) (*pb.Secret, error) {
		s, err := st.secret(req.GetName())
		if err != nil {
			return nil, err
		}
		return proto.CloneOf(s.Secret.pb), nil
	})
}

// UpdateSecret changes labels, annotations and version aliases.
func (a api) UpdateSecret(ctx context.Context, req *pb.UpdateSecretRequest) (*pb.Secret, error) {
	wanted := req.GetSecret()
	return perform(ctx, a.Server, "UpdateSecret", wanted.GetName(), func(st *state) (*pb.Secret, error) {
		s, err := st.secret(wanted.GetName())
		if err != nil {
			return nil, err
		}
		if err := checkETag(wanted.GetEtag(), s.Secret.pb.GetEtag()); err != nil {
			return nil, err
		}
		changed, err := s.updated(wanted, req.GetUpdateMask().GetPaths())
		if err != nil {
			return nil, err
		}
		changed.Etag = st.etag()
		s.Secret.pb = changed
		return proto.CloneOf(changed), nil
	})
}

// updated returns the secret with the named fields as they are wanted.
func (s *secret) updated(wanted *pb.Secret, paths []string) (*pb.Secret, error) {
	if len(paths) == 0 {
		return nil, invalid("the update mask is empty")
	}
	out := proto.CloneOf(s.Secret.pb)
	for _, path := range paths {
		var err error
		switch path {
		case "labels":
			out.Labels = maps.Clone(wanted.GetLabels())
			err = checkLabels(out.Labels)
		case "annotations":
			out.Annotations = maps.Clone(wanted.GetAnnotations())
			err = checkAnnotations(out.Annotations)
		case "version_aliases":
			out.VersionAliases = maps.Clone(wanted.GetVersionAliases())
			err = checkAliases(out.VersionAliases, len(s.Versions))
		case "name", "replication", "create_time", "etag":
			err = invalid("%s can't be updated", path)
		default:
			err = status.Errorf(codes.Unimplemented, "the stand-in does not update %s", path)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DeleteSecret deletes a secret with its versions.
func (a api) DeleteSecret(ctx context.Context, req *pb.DeleteSecretRequest) (*emptypb.Empty, error) {
	return perform(ctx, a.Server, "DeleteSecret", req.GetName(), func(st *state) (*emptypb.Empty, error) {
		s, err := st.secret(req.GetName())
		if err != nil {
			return nil, err
		}
		if err := checkETag(req.GetEtag(), s.Secret.pb.GetEtag()); err != nil {
			return nil, err
		}
		delete(st.Secrets, s.Secret.pb.GetName())
		st.Changes++
		return &emptypb.Empty{}, nil
	})
}

// ListSecrets lists a project's secrets, the newest first.
func (a api) ListSecrets(ctx context.Context, req *pb.ListSecretsRequest) (*pb.ListSecretsResponse, error) {
	return perform(ctx, a.Server, "ListSecrets", req.GetParent(), func(st *state) (*pb.ListSecretsResponse, error) {
		project, err := parseProject(req.GetParent())
		if err != nil {
			return nil, err
		}
		matches, err := parseFilter(req.GetFilter(), secretField)
		if err != nil {
			return nil, err
		}
		all := st.listed(project, a.now().Add(-a.lag))
		found := slices.DeleteFunc(slices.Clone(all), func(s *secret) bool { return !matches(s.field) })
		order := func(s *secret) int64 { return s.Order }
		page, next, err := cut(found, order, req, project)
		if err != nil {
			return nil, err
		}
		resp := &pb.ListSecretsResponse{NextPageToken: next, TotalSize: total(req.GetFilter(), len(all))}
		for _, s := range page {
			resp.Secrets = append(resp.Secrets, proto.CloneOf(s.Secret.pb))
		}
		return resp, nil
	})
}

// existed reports whether the secret was there at a time.
func (s *secret) existed(at time.Time) bool { return !s.Secret.pb.GetCreateTime().AsTime().After(at) }

// listed returns the project's secrets as of a time, the newest first.
func (st *state) listed(project string, at time.Time) []*secret {
	var out []*secret
	for name, s := range st.Secrets {
		if strings.HasPrefix(name, project+"/") && s.existed(at) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *secret) int { return cmp.Compare(b.Order, a.Order) })
	return out
}
