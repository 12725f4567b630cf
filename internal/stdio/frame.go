package stdio

import (
	"encoding/json"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"
)

// A frame is the content of one line: a message or, in revision 2025-03-26 of the
// protocol, a batch of messages. The frame of a blank line has no messages.
type frame struct {
	messages []message
	batch    bool
	size     int // bytes of the line; 0 if it was rejected as a whole
}

// A decoder turns lines into frames.
type decoder struct {
	maxLine  int // bytes of a line
	maxBatch int // messages of a batch
}

// decode decodes a line. A line that cannot be decoded becomes a message with a
// fault, which is responded to like a request. batches reports whether the
// negotiated revision has batches.
func (d decoder) decode(line []byte, batches bool) frame {
	switch {
	case len(line) == 0:
		return frame{}
	case line[0] == '[':
		return d.decodeBatch(line, batches)
	}
	return frame{messages: []message{parse(line)}, size: len(line)}
}

// tooLong returns the frame of a line that is too long. Its id is not known, so
// the response has none either.
func (d decoder) tooLong() frame {
	return rejected(&fault{mcp.INVALID_REQUEST, fmt.Sprintf("message longer than %d bytes", d.maxLine)})
}

func rejected(f *fault) frame { return frame{messages: []message{{fault: f}}} }

// decodeBatch decodes a batch. It may not contain more messages than may be in
// flight at once: there would never be capacity for it.
func (d decoder) decodeBatch(line []byte, batches bool) frame {
	var elements []json.RawMessage
	var f *fault
	switch f = wellFormed(line); {
	case f != nil:
	case !batches:
		f = &fault{mcp.INVALID_REQUEST, "batches are not part of this protocol revision"}
	case json.Unmarshal(line, &elements) != nil:
		f = &fault{mcp.PARSE_ERROR, "not valid JSON"}
	case len(elements) == 0:
		f = &fault{mcp.INVALID_REQUEST, "empty batch"}
	case len(elements) > d.maxBatch:
		f = &fault{mcp.INVALID_REQUEST, fmt.Sprintf("a batch must not have more than %d messages", d.maxBatch)}
	}
	if f != nil {
		return rejected(f)
	}
	batch := frame{batch: true, size: len(line)}
	for _, element := range elements {
		batch.messages = append(batch.messages, parse(element))
	}
	return batch
}
