package emulate

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// maxLine is where a line of a process is cut that has no end.
const maxLine = 1 << 20

// lines hands on what a function's process prints, line by line. Functions log
// in JSON and name themselves; any other line, such as one of a crash, is made
// into one of theirs.
type lines struct {
	function string
	out      io.Writer

	mu   sync.Mutex
	part []byte // of a line whose end has not come
	tail []byte // of what was printed, as it was
}

// tailSize holds what a function says of a configuration that it refuses.
const tailSize = 4 << 10

// Write takes anything and never fails: a log that can't be written must not
// stop who is logged.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p...)
	l.tail = bytes.Clone(l.tail[max(0, len(l.tail)-tailSize):])
	l.part = append(l.part, p...)
	for {
		line, rest, whole := bytes.Cut(l.part, []byte("\n"))
		if !whole {
			break
		}
		l.emit(line)
		l.part = rest
	}
	if len(l.part) > maxLine {
		l.emit(l.part)
		l.part = nil
	}
	return len(p), nil
}

// flush hands on what a process left without an end of line.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.part) > 0 {
		l.emit(l.part)
	}
	l.part = nil
}

// last is the end of what was printed.
func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.tail))
}

func (l *lines) emit(line []byte) {
	line = bytes.TrimRight(line, "\r")
	if len(line) == 0 {
		return
	}
	_, _ = l.out.Write(asJSON(line, l.function)) // whoever reads it may have gone
}

// asJSON returns the line, in JSON if it is not, with its end.
func asJSON(line []byte, function string) []byte {
	if line[0] != '{' || !json.Valid(line) {
		line, _ = json.Marshal(struct { //nolint:errchkjson // of what JSON has a form
			Time     time.Time `json:"time"`
			Severity string    `json:"severity"`
			Message  string    `json:"message"`
			Function string    `json:"function"`
		}{time.Now().UTC(), "DEFAULT", string(line), function})
	}
	return append(bytes.Clone(line), '\n')
}
