//go:build !linux

package emulate

import "syscall"

// processAttributes keep Ctrl-C from the functions, which are asked to end in
// their turn.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
