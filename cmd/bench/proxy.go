package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"path"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// proxy passes gRPC calls on to a server, unread, and counts them.
type proxy struct {
	addr   string
	server *grpc.Server
	to     *grpc.ClientConn

	mu    sync.Mutex
	calls map[string]int
}

func startProxy(ctx context.Context, to string) (*proxy, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: ln.Addr().String(), calls: map[string]int{}}
	p.to, err = grpc.NewClient("passthrough:///"+to, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(unread{})))
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	p.server = grpc.NewServer(grpc.ForceServerCodecV2(unread{}), grpc.UnknownServiceHandler(p.pass))
	go func() { _ = p.server.Serve(ln) }() // it ends when it is stopped
	return p, nil
}

func (p *proxy) stop() {
	p.server.Stop()
	_ = p.to.Close() // nobody uses it any more
}

// take returns the calls since it was asked last, by method.
func (p *proxy) take() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := maps.Clone(p.calls)
	clear(p.calls)
	return calls
}

// pass passes on one call, whatever its kind.
func (p *proxy) pass(_ any, in grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(in)
	if !ok {
		return status.Error(codes.Internal, "no method")
	}
	p.mu.Lock()
	p.calls[path.Base(method)]++
	p.mu.Unlock()
	md, _ := metadata.FromIncomingContext(in.Context())
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(in.Context(), md))
	defer cancel()
	out, err := p.to.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	go func() {
		_ = copyMessages(out.SendMsg, in.RecvMsg) // its failure is the other direction's, too
		_ = out.CloseSend()
	}()
	return copyMessages(in.SendMsg, out.RecvMsg)
}

func copyMessages(send, receive func(any) error) error {
	for {
		var m message
		err := receive(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = send(&m)
		}
		if err != nil {
			return err
		}
	}
}

// message is one that nobody has decoded.
type message struct{ data []byte }

// unread is the codec of such messages.
type unread struct{}

var _ encoding.CodecV2 = unread{}

// Name implements [encoding.CodecV2].
func (unread) Name() string { return "proto" }

// Marshal implements [encoding.CodecV2].
func (unread) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.(*message).data)}, nil
}

// Unmarshal implements [encoding.CodecV2].
func (unread) Unmarshal(data mem.BufferSlice, v any) error {
	v.(*message).data = data.Materialize()
	return nil
}
