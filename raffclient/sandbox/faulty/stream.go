package faulty

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// stream is the body of a delivery. When ctx ends, reading returns its error.
type stream struct {
	ctx    context.Context
	rest   []byte
	end    error // the error after rest
	filler byte  // repeated without end after rest if end is nil
	closed atomic.Bool
}

// stream returns a body that is truncated or endless, as the fault says.
func (f Fault) stream(ctx context.Context, body []byte) *stream {
	s := &stream{ctx: ctx, rest: body, end: io.EOF}
	if f.CutBody != 0 && f.CutBody < len(body) {
		s.rest, s.end = body[:max(f.CutBody, 0)], io.ErrUnexpectedEOF
	}
	if f.Endless {
		s.end, s.filler = nil, f.Filler
		if s.filler == 0 {
			s.filler = ' '
		}
	}
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	if s.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if len(s.rest) > 0 {
		n := copy(p, s.rest)
		s.rest = s.rest[n:]
		return n, nil
	}
	if s.end != nil {
		return 0, s.end
	}
	for i := range p {
		p[i] = s.filler
	}
	return len(p), nil
}

func (s *stream) Close() error {
	s.closed.Store(true)
	return nil
}
