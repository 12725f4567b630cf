package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/lmittmann/tint"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// newLogger returns the program's logger, which writes to out and never blocks. The
// format is "text" or "json"; color is for text on a terminal.
func newLogger(out *sink, level slog.Level, format string, color bool) *slog.Logger {
	l := &lineBuffer{}
	h := logHandler{newFormatter(&l.buf, level, format, color), l, out}
	out.setNote(h.note)
	return slog.New(h)
}

// timeFormat is the format of the time in the text log: with the date and the time zone,
// and without spaces.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// newFormatter returns a handler that formats records and writes them to w.
func newFormatter(w io.Writer, level slog.Level, format string, color bool) slog.Handler {
	if format == "json" {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: printableAttr})
	}
	return tint.NewTextHandler(w, &tint.Options{
		Level:       level,
		TimeFormat:  timeFormat,
		NoColor:     !color,
		ReplaceAttr: printableAttr,
	})
}

// A logHandler formats records and puts them into a sink. The formatter does not write to
// the sink itself, because it would hold its lock while a record waits there.
type logHandler struct {
	slog.Handler // writes to line
	line         *lineBuffer
	out          *sink
}

// A lineBuffer contains the record that is being formatted.
type lineBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	text, err := h.format(ctx, r)
	h.out.put(r.Level, text)
	return err
}

func (h logHandler) format(ctx context.Context, r slog.Record) ([]byte, error) {
	h.line.mu.Lock()
	defer h.line.mu.Unlock()
	h.line.buf.Reset()
	err := h.Handler.Handle(ctx, r)
	return bytes.Clone(h.line.buf.Bytes()), err
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h logHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

// note formats a record that replaces dropped records.
func (h logHandler) note(l loss) []byte {
	r := slog.NewRecord(l.since, slog.LevelWarn, "log records were dropped, because standard error did not accept them", 0)
	r.AddAttrs(slog.Int("records", l.count))
	text, _ := h.format(context.Background(), r) // a buffer accepts everything
	return text
}

// printableAttr makes the text of an attribute, or of the message, printable.
//
// Attributes contain text from the API, which is not trusted. tint quotes line breaks in
// attributes, but with color it passes escape sequences to the terminal, and without
// color it truncates a value at the first invalid byte. JSON escapes control characters,
// but not those that reverse the direction of text, and a program that shows the decoded
// text would pass everything on.
func printableAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, printable.String(a.Value.String()))
	case slog.KindAny:
		if _, level := a.Value.Any().(slog.Level); level || a.Equal(slog.Attr{}) {
			return a
		}
		return slog.String(a.Key, printable.String(fmt.Sprintf("%+v", a.Value.Any())))
	default:
		return a
	}
}
