package doctor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/commandline"
)

const (
	// maxLine is how long a line of a server may be. A list of tools has some 50 kB.
	maxLine = 4 << 20
	// maxStderr is how much of the end of standard error is kept.
	maxStderr = 64 << 10
	// leftoverGrace is how long the rest of the output of a process may take after it has
	// exited, when another process that it has started keeps its pipes open.
	leftoverGrace = 500 * time.Millisecond
)

// A process is a running server. It is the leader of a process group, where there is such
// a thing, and stop leaves nothing of the group behind.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan line // closed at the end of standard output, or when the process is gone
	stderr *tail
	pipes  []*os.File    // the ends that are read
	exited chan struct{} // closed when the process has exited
	gone   chan struct{} // closed when nobody reads lines any more
}

// A line is a line of standard output, or its beginning if it is too long.
type line struct {
	text    string
	tooLong bool
}

// startProcess starts the program at path as l says. ctx bounds its life.
func startProcess(ctx context.Context, l Launch, path string) (*process, error) {
	cmd := exec.CommandContext(ctx, path, l.Args...)
	cmd.Args[0] = l.Command
	cmd.Env, cmd.Dir = l.Env, l.Dir
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would mean all variables of this process
	}
	commandline.OwnGroup(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		outR.Close()
		outW.Close()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = outW, errW
	err = cmd.Start()
	outW.Close()
	errW.Close()
	if err != nil {
		outR.Close()
		errR.Close()
		return nil, err
	}
	p := &process{cmd: cmd, in: in, lines: make(chan line), stderr: &tail{}, pipes: []*os.File{outR, errR},
		exited: make(chan struct{}), gone: make(chan struct{})}
	p.watch(outR, errR)
	return p, nil
}

// watch reads the output until it ends, and waits for the process. When the process has
// exited, its group is killed, so that no other process keeps the pipes open.
func (p *process) watch(stdout, stderr io.Reader) {
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(p.stderr, stderr) })
	reading.Go(func() { readLines(stdout, p.lines, p.gone) })
	go func() {
		_ = p.cmd.Wait() // ProcessState says how it ended
		commandline.KillGroup(p.cmd)
		closer := time.AfterFunc(leftoverGrace, p.closePipes)
		reading.Wait()
		closer.Stop()
		p.closePipes()
		close(p.exited)
	}()
}

func (p *process) closePipes() {
	for _, pipe := range p.pipes {
		pipe.Close()
	}
}

// readLines sends each line to lines, until the end or until gone is closed. After that
// it discards the rest, so that the process does not block.
func readLines(r io.Reader, lines chan<- line, gone <-chan struct{}) {
	defer close(lines)
	reader := bufio.NewReaderSize(r, 64<<10)
	for {
		l, err := readLine(reader)
		if l.text != "" {
			select {
			case lines <- l:
			case <-gone:
				_, _ = io.Copy(io.Discard, reader)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func readLine(r *bufio.Reader) (l line, err error) {
	var b strings.Builder
	for {
		part, err := r.ReadSlice('\n')
		if room := maxLine - b.Len(); len(part) > room {
			part, l.tooLong = part[:room], true
		}
		b.Write(part)
		if !errors.Is(err, bufio.ErrBufferFull) {
			l.text = strings.TrimRight(b.String(), "\r\n")
			return l, err
		}
	}
}

// stop closes standard input, waits for the process to exit, and kills it after limit. It
// reports whether the process exited by itself.
func (p *process) stop(limit time.Duration) (byItself bool) {
	close(p.gone)
	p.in.Close()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
	}
	_ = p.cmd.Cancel()
	<-p.exited
	return false
}

// exit says how the process ended, after exited is closed.
func (p *process) exit() string {
	state := p.cmd.ProcessState
	if state == nil {
		return "ended"
	}
	if code := state.ExitCode(); code >= 0 {
		return fmt.Sprintf("exited with code %d", code)
	}
	return "ended by " + clean(state.String())
}

// A tail keeps the last maxStderr bytes that were written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
	cut  bool
}

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if over := len(t.text) - maxStderr; over > 0 {
		t.text, t.cut = append(t.text[:0], t.text[over:]...), true
	}
	return len(text), nil
}

// String returns the text, without its first line if the beginning of that is lost.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := string(t.text)
	if t.cut {
		if _, rest, found := strings.Cut(text, "\n"); found {
			return "…\n" + rest
		}
		// One endless line: what is left of a key at the cut would not look like one.
		return "… (the beginning of a long line is not shown)"
	}
	return text
}
