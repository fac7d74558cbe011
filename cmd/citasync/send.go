package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/citasync/citasync/functions/webhook"
)

// send does what the platform does: it signs an event and posts it.
func send(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	dir := dataFlag(fs)
	public := fs.String("url", "", "PUBLIC_URL; by default the environment's, or that of the process serving from the data directory")
	id := fs.String("id", "", "the webhook's id; by default a random one")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		fs.Usage()
		return fmt.Errorf("%w: name one file, or - for standard input", errUsage)
	}
	body, err := readEvent(e, rest[0])
	if err != nil {
		return err
	}
	t, err := reach(ctx, e, *dir, *public)
	if err != nil {
		return err
	}
	if *id == "" {
		*id = "msg_" + rand.Text()
	}
	return t.post(ctx, e, *id, body)
}

func readEvent(e env, name string) ([]byte, error) {
	if name == "-" {
		body, err := io.ReadAll(e.stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return body, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	return body, nil
}

// post sends the event and prints the answer; one that is not 202 is an error.
func (t target) post(ctx context.Context, e env, id string, body []byte) error {
	if t.webhooks == "" {
		return fmt.Errorf("WEBHOOK_SECRETS: %w", errNoSecret)
	}
	header, err := webhook.Sign(t.webhooks, id, time.Now(), body)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.public.JoinPath("webhooks/bookings").String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	req.Header = header
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	fmt.Fprintf(e.stdout, "%s\n%s\n", resp.Status, bytes.TrimSpace(answer))
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the event was not accepted: %s", resp.Status)
	}
	return nil
}
