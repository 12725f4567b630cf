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
	l := &line{}
	h := logHandler{newFormatter(&l.buf, level, format, color), l, out}
	out.setNote(h.note)
	return slog.New(h)
}

// newFormatter returns a handler that formats records and writes them to w.
func newFormatter(w io.Writer, level slog.Level, format string, color bool) slog.Handler {
	if format == "json" {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	}
	return tint.NewTextHandler(w, &tint.Options{
		Level:       level,
		TimeFormat:  "15:04:05.000",
		NoColor:     !color,
		ReplaceAttr: visibleAttr,
	})
}

// A logHandler formats records and puts them into a sink. A formatter that wrote to
// the sink itself would hold its lock while a record waits there.
type logHandler struct {
	slog.Handler // writes to line
	line         *line
	out          *sink
}

// A line is the record that is being formatted.
type line struct {
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

// note formats what takes the place of dropped records.
func (h logHandler) note(lost loss) []byte {
	r := slog.NewRecord(lost.since, slog.LevelWarn, "log records were dropped, because standard error did not accept them", 0)
	r.AddAttrs(slog.Int("records", lost.count))
	text, _ := h.format(context.Background(), r) // a buffer accepts everything
	return text
}

// visibleAttr makes the text of an attribute, or of the message, visible.
//
// What the API says is logged, and nobody vouches for it. tint quotes line
// breaks in attributes, but with colour it lets escape sequences through to the
// terminal, and without colour it cuts a value at the first invalid byte.
func visibleAttr(_ []string, a slog.Attr) slog.Attr {
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
