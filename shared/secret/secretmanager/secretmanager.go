package secretmanager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/citasync/citasync/shared/booking"
	"github.com/citasync/citasync/shared/fault"
	"github.com/citasync/citasync/shared/secret"
)

// Store is a [secret.Store] in a project's Secret Manager. It may be used by
// several goroutines.
type Store struct {
	client  *secretmanager.Client
	project string // projects/*
}

var _ secret.Store = (*Store)(nil)

// Open connects to the Secret Manager of a project, which is given by its id or
// number. With an emulator, given as host:port, it connects there instead,
// without TLS and credentials. Nothing is sent yet.
func Open(ctx context.Context, project, emulator string, opts ...option.ClientOption) (*Store, error) {
	if project == "" || strings.Contains(project, "/") {
		return nil, fmt.Errorf("open secrets: %q is no project", project)
	}
	opts = slices.Clone(opts)
	if emulator != "" {
		opts = append(opts, option.WithEndpoint(emulator), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	// The library writes requests and answers to the log, values and all, where
	// GOOGLE_SDK_GO_LOGGING_LEVEL asks for it and no logger is given.
	opts = append(opts, option.WithLogger(slog.New(slog.DiscardHandler)), option.WithTelemetryDisabled())
	client, err := secretmanager.NewClient(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	return &Store{client: client, project: "projects/" + project}, nil
}

// Close closes the connection. The Store can't be used afterwards.
func (s *Store) Close() error { return s.client.Close() }

func (s *Store) secretName(company booking.CompanyID) string {
	return s.project + "/secrets/" + secretID(company)
}

func (s *Store) versionName(company booking.CompanyID, n int64) string {
	return s.secretName(company) + "/versions/" + strconv.FormatInt(n, 10)
}

// Add implements [secret.Store]. A value has 1 to 65,536 bytes.
func (s *Store) Add(ctx context.Context, company booking.CompanyID, value []byte) (version string, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	n, err := s.add(ctx, company, value)
	if err != nil {
		return "", fmt.Errorf("add secret of company %q: %w", company, err)
	}
	return newVersion(n, value).String(), nil
}

// add assumes that the secret is there, as it is for every company that was
// connected before.
func (s *Store) add(ctx context.Context, company booking.CompanyID, value []byte) (number int64, err error) {
	req := &pb.AddSecretVersionRequest{Parent: s.secretName(company), Payload: payload(value)}
	added, err := s.client.AddSecretVersion(ctx, req, again())
	if status.Code(err) == codes.NotFound {
		if err := s.create(ctx, company); err != nil {
			return 0, err
		}
		added, err = s.client.AddSecretVersion(ctx, req, untilThere())
	}
	switch status.Code(err) {
	case codes.OK:
	case codes.NotFound:
		return 0, fmt.Errorf("AddSecretVersion: the secret that was just created is not there yet: %w", fault.ErrUnavailable)
	default:
		return 0, failed(ctx, "AddSecretVersion", err)
	}
	n, err := numberOf(added)
	if err == nil && !added.GetClientSpecifiedPayloadChecksum() { // nobody has compared it yet
		err = s.arrived(ctx, company, newVersion(n, value))
	}
	return n, err
}

// arrived reads a new version back.
func (s *Store) arrived(ctx context.Context, company booking.CompanyID, v version) error {
	_, err := s.access(ctx, company, v)
	if errors.Is(err, fault.ErrNotFound) {
		return fmt.Errorf("AddSecretVersion: what was stored is not what was sent: %w", fault.ErrUnavailable)
	}
	return err
}

// create creates the company's secret. It is no error if somebody else was
// faster.
func (s *Store) create(ctx context.Context, company booking.CompanyID) error {
	_, err := s.client.CreateSecret(ctx, &pb.CreateSecretRequest{
		Parent:   s.project,
		SecretId: secretID(company),
		Secret: &pb.Secret{
			Labels:      labels(company),
			Replication: &pb.Replication{Replication: &pb.Replication_Automatic_{Automatic: &pb.Replication_Automatic{}}},
		},
	}, again())
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return failed(ctx, "CreateSecret", err)
	}
	return nil
}

// Access implements [secret.Store]. A version that somebody disabled counts as
// missing.
func (s *Store) Access(ctx context.Context, company booking.CompanyID, version string) ([]byte, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	value, err := s.access(ctx, company, parseVersion(version))
	if err != nil {
		return nil, fmt.Errorf("access secret of company %q: %w", company, err)
	}
	return value, nil
}

func (s *Store) access(ctx context.Context, company booking.CompanyID, v version) ([]byte, error) {
	if v.number == 0 {
		return nil, fault.ErrNotFound
	}
	name := s.versionName(company, v.number)
	resp, err := s.client.AccessSecretVersion(ctx, &pb.AccessSecretVersionRequest{Name: name}, again())
	switch status.Code(err) {
	case codes.OK:
	case codes.NotFound:
		return nil, fault.ErrNotFound
	case codes.FailedPrecondition:
		return nil, s.refused(ctx, name)
	default:
		return nil, failed(ctx, "AccessSecretVersion", err)
	}
	value, err := verified(resp.GetPayload())
	if err == nil && !v.of(value) {
		return nil, fmt.Errorf("the version is of an older secret: %w", fault.ErrNotFound)
	}
	return value, err
}

// refused finds out why a version can't be accessed. That it is not enabled
// would be the end of the company's connection, so no other refusal may pass
// for it.
func (s *Store) refused(ctx context.Context, name string) error {
	v, err := s.client.GetSecretVersion(ctx, &pb.GetSecretVersionRequest{Name: name}, again())
	switch {
	case status.Code(err) == codes.NotFound:
		return fault.ErrNotFound
	case err != nil:
		return failed(ctx, "GetSecretVersion", err)
	case v.GetState() == pb.SecretVersion_ENABLED:
		return fmt.Errorf("AccessSecretVersion: refused, although the version is enabled: %w", fault.ErrUnavailable)
	}
	return fmt.Errorf("the version is %v: %w", v.GetState(), fault.ErrNotFound)
}

// Keep implements [secret.Store]. Versions of other processes that are being
// added meanwhile may stay.
func (s *Store) Keep(ctx context.Context, company booking.CompanyID, version string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	if err := s.keep(ctx, company, parseVersion(version).number); err != nil {
		return fmt.Errorf("keep one secret of company %q: %w", company, err)
	}
	return nil
}

func (s *Store) keep(ctx context.Context, company booking.CompanyID, kept int64) error {
	live, err := s.list(ctx, company)
	if err != nil {
		return err
	}
	// The one before may be too new for the list.
	if before := kept - 1; before > 0 && !slices.Contains(live, before) {
		live = append(live, before)
	}
	for _, n := range live {
		if n == kept {
			continue
		}
		if err := s.destroy(ctx, company, n); err != nil {
			return err
		}
	}
	return nil
}

// Destroy implements [secret.Store]. It looks at the value first, so that one
// that is late leaves the versions of a newer secret alone.
func (s *Store) Destroy(ctx context.Context, company booking.CompanyID, version string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	v := parseVersion(version)
	_, err := s.access(ctx, company, v)
	if err == nil {
		err = s.destroy(ctx, company, v.number)
	}
	if err != nil && !errors.Is(err, fault.ErrNotFound) {
		return fmt.Errorf("destroy secret of company %q: %w", company, err)
	}
	return nil
}

// destroy destroys a version, which may be destroyed or missing already.
func (s *Store) destroy(ctx context.Context, company booking.CompanyID, n int64) error {
	_, err := s.client.DestroySecretVersion(ctx, &pb.DestroySecretVersionRequest{Name: s.versionName(company, n)}, again())
	switch status.Code(err) {
	case codes.OK, codes.NotFound, codes.FailedPrecondition:
		return nil
	default:
		return failed(ctx, "DestroySecretVersion", err)
	}
}

// Delete implements [secret.Store].
func (s *Store) Delete(ctx context.Context, company booking.CompanyID) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	err := s.client.DeleteSecret(ctx, &pb.DeleteSecretRequest{Name: s.secretName(company)}, again())
	if err != nil && status.Code(err) != codes.NotFound {
		return fmt.Errorf("delete secret of company %q: %w", company, failed(ctx, "DeleteSecret", err))
	}
	return nil
}
