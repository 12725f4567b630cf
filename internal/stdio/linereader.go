package stdio

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errLineTooLong reports a line longer than the limit, which was skipped.
var errLineTooLong = errors.New("line too long")

// A lineReader reads lines of limited length.
type lineReader struct {
	r       *bufio.Reader
	max     int // bytes of a line, without its end
	buf     []byte
	started bool
}

func newLineReader(in io.Reader, max int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(in, 64<<10), max: max}
}

// maxReusedBuffer is the size up to which the buffer of a line is reused for the next.
const maxReusedBuffer = 256 << 10

// next returns the next line without surrounding white space. The line is valid
// until the next call. A line that is too long is skipped in pieces, without storing
// it, and reported as errLineTooLong. A last line without a newline counts; after
// it, the error is io.EOF.
func (l *lineReader) next() (line []byte, err error) {
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
			return nil, errLineTooLong
		}
		return line, nil
	}
}

// trim removes the white space around the line and, on the first line, the byte
// order mark that some programs write.
func (l *lineReader) trim() []byte {
	line := l.buf
	if !l.started {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		l.started = true
	}
	return bytes.Trim(line, " \t\r\n")
}
