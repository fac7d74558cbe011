package emulate

import "syscall"

// processAttributes keep Ctrl-C from the functions, which are asked to end in
// their turn, and have Linux kill them with the thread that started them, so
// that they do not outlive this process however it ends.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
