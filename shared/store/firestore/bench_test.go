package firestore

import (
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/citasync/citasync/shared/integration"
)

// BenchmarkCommitEncode is what a commit costs before it is on the wire.
func BenchmarkCommitEncode(b *testing.B) {
	r := fullBooking()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := proto.Marshal(&pb.CommitRequest{Writes: []*pb.Write{put("name", bookingFields(r))}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadDecode is what a read costs once it has come over the wire.
func BenchmarkReadDecode(b *testing.B) {
	data, err := proto.Marshal(&pb.Document{Fields: bookingFields(fullBooking()), UpdateTime: timestamppb.Now()})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var doc pb.Document
		if err := proto.Unmarshal(data, &doc); err != nil {
			b.Fatal(err)
		}
		if _, err := readBooking("2", &doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit updates one booking, against the emulator.
func BenchmarkCommit(b *testing.B) {
	s, r := open(b, address(b)), fullBooking()
	for b.Loop() {
		r.Revision++
		if err := s.CommitBooking(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads what an attempt begins with, against the emulator.
func BenchmarkRead(b *testing.B) {
	s := open(b, address(b))
	if err := s.CommitBooking(b.Context(), fullBooking()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.ReadBooking(b.Context(), "2", "981", integration.GoogleCalendar, integration.WhatsApp); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is what a process pays at its start.
func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := Open(b.Context(), "project", "", nowhere)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
