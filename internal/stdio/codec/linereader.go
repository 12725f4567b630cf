package codec

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// ErrLineTooLong reports a line longer than the limit, which was skipped.
var ErrLineTooLong = errors.New("line too long")

// A LineReader reads lines of limited length.
type LineReader struct {
	r       *bufio.Reader
	max     int // bytes of a line, without its end
	buf     []byte
	started bool
}

// NewLineReader returns a LineReader that limits lines to max bytes, without their ends.
func NewLineReader(in io.Reader, max int) *LineReader {
	return &LineReader{r: bufio.NewReaderSize(in, 64<<10), max: max}
}

// maxReusedBuffer is the size up to which the buffer of a line is reused for the next.
const maxReusedBuffer = 256 << 10

// Next returns the next line without surrounding white space. The line is valid
// until the next call. If a line is too long, Next skips it without storing it and returns
// ErrLineTooLong. The last line need not end in a newline; after it, the error is io.EOF.
func (l *LineReader) Next() (line []byte, err error) {
	if l.buf = l.buf[:0]; cap(l.buf) > maxReusedBuffer {
		l.buf = nil
	}
	n, tooLong := 0, false
	for {
		part, err := l.r.ReadSlice('\n')
		n += len(part)
		if !tooLong {
			l.buf = append(l.buf, part...)
			tooLong = len(bytes.TrimRight(l.buf, "\r\n")) > l.max
		}
		if tooLong {
			l.buf = nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !(errors.Is(err, io.EOF) && n > 0):
			return nil, err
		}
		line := l.trim()
		if tooLong {
			return nil, ErrLineTooLong
		}
		return line, nil
	}
}

// trim removes the white space around the line and, on the first line, the byte
// order mark that some programs write.
func (l *LineReader) trim() []byte {
	line := l.buf
	if !l.started {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		l.started = true
	}
	return bytes.Trim(line, " \t\r\n")
}
