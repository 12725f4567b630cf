package confedit

import (
	"bytes"
	"strings"
)

// A splice replaces text[start:end] with other text.
type splice struct {
	start, end int
	with       string
}

// applySplices returns a copy of text in which the splices, which are in order and do not
// overlap, were made.
func applySplices(text []byte, splices []splice) []byte {
	var b bytes.Buffer
	done := 0
	for _, s := range splices {
		b.Write(text[done:s.start])
		b.WriteString(s.with)
		done = s.end
	}
	b.Write(text[done:])
	return b.Bytes()
}

// lineEnding returns the line ending that text uses first.
func lineEnding(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lineStart returns the offset of the first byte of the line that contains an offset.
func lineStart(text []byte, offset int) int {
	return bytes.LastIndexByte(text[:offset], '\n') + 1
}

// lineEnd returns the offset of the line ending, or of the end of the text, after an
// offset.
func lineEnd(text []byte, offset int) int {
	n := bytes.IndexByte(text[offset:], '\n')
	if n < 0 {
		return len(text)
	}
	if n > 0 && text[offset+n-1] == '\r' {
		n--
	}
	return offset + n
}

// skipLineEnding returns the offset behind the line ending at an offset, if there is one.
func skipLineEnding(text []byte, offset int) int {
	for _, eol := range []string{"\r\n", "\n"} {
		if bytes.HasPrefix(text[offset:], []byte(eol)) {
			return offset + len(eol)
		}
	}
	return offset
}

// beforeLineEnding returns the offset of the line ending that stops at an offset, or the
// offset itself if there is none.
func beforeLineEnding(text []byte, offset int) int {
	for _, eol := range []string{"\r\n", "\n"} {
		if bytes.HasSuffix(text[:offset], []byte(eol)) {
			return offset - len(eol)
		}
	}
	return offset
}

// lineIndent returns the white space at the start of the line that contains an offset.
func lineIndent(text []byte, offset int) string {
	line := string(text[lineStart(text, offset):offset])
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// startsLine reports whether only white space precedes an offset on its line.
func startsLine(text []byte, offset int) bool {
	return len(lineIndent(text, offset)) == offset-lineStart(text, offset)
}
