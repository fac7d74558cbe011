package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// goTool runs the go command in dir, with env on top of the process's own, and
// returns what it printed. The error has what it complained about.
func goTool(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are this program's own
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s%s", args[0], err, complaints.String(), out)
	}
	return out, nil
}
