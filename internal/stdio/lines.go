package stdio

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// lines reads lines of limited length.
type lines struct {
	r     *bufio.Reader
	max   int // bytes of a line, without its end
	buf   []byte
	begun bool
}

func newLines(in io.Reader, max int) *lines {
	return &lines{r: bufio.NewReaderSize(in, 64<<10), max: max}
}

// next returns the next line without the space around it; it is valid until the
// next call. Of a line that is too long only the outline is returned. A last line
// without an end counts; after it, the error is io.EOF.
func (l *lines) next() (line []byte, long *outline, err error) {
	l.buf = l.buf[:0]
	n := 0
	for {
		part, err := l.r.ReadSlice('\n')
		n += len(part)
		if long != nil {
			long.scan(part)
		} else if l.buf = append(l.buf, part...); len(bytes.TrimRight(l.buf, "\r\n")) > l.max {
			long = new(outline)
			long.scan(l.buf)
			l.buf = nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil, errors.Is(err, io.EOF) && n > 0:
			return l.trim(), long, nil
		}
		return nil, nil, err
	}
}

// trim returns what was read of a line without the space around it and, on the
// first line, without the byte order mark some programs begin with.
func (l *lines) trim() []byte {
	line := l.buf
	if !l.begun {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		l.begun = true
	}
	return bytes.Trim(line, " \t\r\n")
}

// An outline is what is kept of a message too long to keep: enough to answer it.
// It is read a piece at a time and needs no more memory than its longest member
// of interest, wherever in the message that stands: many clients send the id last.
type outline struct {
	depth     int
	str, esc  bool   // inside a string; behind a backslash there
	name, val []byte // the top-level member being read, as far as it is kept
	value     bool   // behind its colon
	batch     bool

	id     []byte
	ids    int // members that are the id, or would be taken for it
	method bool
}

// maxKept bytes of a member's name or value are kept.
const maxKept = 1024

func (o *outline) scan(part []byte) {
	for _, b := range part {
		if o.batch {
			return
		}
		o.step(b)
	}
}

func (o *outline) step(b byte) {
	switch {
	case o.esc:
		o.esc = false
	case o.str:
		o.esc, o.str = b == '\\', b != '"'
	case b == '"':
		o.str = true
	case b == '{', b == '[':
		o.batch = o.depth == 0 && b == '['
		o.depth++
		return
	case b == '}', b == ']':
		o.depth--
		if o.depth == 0 {
			o.member()
		}
		return
	case b == ' ', b == '\t', b == '\r', b == '\n':
		return
	case o.depth == 1 && b == ',':
		o.member()
		return
	case o.depth == 1 && b == ':':
		o.value = true
		return
	}
	if o.depth != 1 {
		return
	}
	kept := &o.name
	if o.value {
		kept = &o.val
	}
	if len(*kept) <= maxKept {
		*kept = append(*kept, b)
	}
}

// member ends a top-level member.
func (o *outline) member() {
	name, _ := text(o.name)
	switch fold(name) {
	case fold("id"):
		o.ids++
		if name == "id" {
			o.id = bytes.Clone(o.val)
		}
	case fold("method"):
		o.method = true
	}
	o.name, o.val, o.value = o.name[:0], o.val[:0], false
}

// requestID returns the id to answer with, nil if there is none, or more than one.
// An answer to a request of ours has an id as well, but it is no id of the client's.
func (o *outline) requestID() json.RawMessage {
	if !o.method || o.ids != 1 || len(o.id) > maxKept || !json.Valid(o.id) || !utf8.Valid(o.id) || !usableID(o.id) {
		return nil
	}
	return o.id
}
