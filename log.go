package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lmittmann/tint"
)

// newLogger returns the program's logger. The format is "text" or "json";
// color is for text on a terminal.
func newLogger(w io.Writer, level slog.Level, format string, color bool) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level:       level,
		TimeFormat:  "15:04:05.000",
		NoColor:     !color,
		ReplaceAttr: visibleAttr,
	}))
}

// visibleAttr makes the text of an attribute, or of the message, visible.
//
// What the API says is logged, and nobody vouches for it. tint quotes line
// breaks in attributes, but with colour it lets escape sequences through to the
// terminal, and without colour it cuts a value at the first invalid byte.
func visibleAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, visible(a.Value.String()))
	case slog.KindAny:
		if _, level := a.Value.Any().(slog.Level); level || a.Equal(slog.Attr{}) {
			return a
		}
		return slog.String(a.Key, visible(fmt.Sprintf("%+v", a.Value.Any())))
	default:
		return a
	}
}

// visible returns s on one line that does nothing to a terminal: control
// characters become their pictures (␊, ␛), and what else cannot be printed
// becomes a question mark.
func visible(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return '␀' + r
		case r == '\x7f':
			return '␡'
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		default:
			return r
		}
	}, s)
	// With colour, tint turns these four characters into an escape character.
	return strings.ReplaceAll(s, `\x1b`, "␛")
}
