// Package codec translates between lines and the JSON-RPC messages of MCP. A
// [LineReader] reads lines, a [Decoder] turns each into a [Frame] of validated
// messages, and the Encode functions return the lines to write. The package does not know
// about calls and their order.
package codec

import (
	"encoding/json"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"
)

// A Frame is the content of one line: a message or, in revision 2025-03-26 of the
// protocol, a batch of messages. The frame of a blank line has no messages.
type Frame struct {
	Messages []Message
	Batch    bool
	Size     int // bytes of the line; 0 if it was rejected as a whole
}

// A Decoder turns lines into frames.
type Decoder struct {
	MaxLine  int // the maximum length of a line in bytes
	MaxBatch int // the maximum number of messages in a batch
}

// Decode decodes a line. A line that cannot be decoded becomes a message with a
// [Fault], to which the response is an error. batches reports whether the
// negotiated protocol revision permits batches.
func (d Decoder) Decode(line []byte, batches bool) Frame {
	switch {
	case len(line) == 0:
		return Frame{}
	case line[0] == '[':
		return d.decodeBatch(line, batches)
	}
	return Frame{Messages: []Message{parse(line)}, Size: len(line)}
}

// TooLong returns the frame of a line that is too long. Its id is not known, so
// the response has none either.
func (d Decoder) TooLong() Frame {
	return rejected(&Fault{mcp.INVALID_REQUEST, fmt.Sprintf("message longer than %d bytes", d.MaxLine)})
}

func rejected(f *Fault) Frame { return Frame{Messages: []Message{{Fault: f}}} }

// decodeBatch decodes a batch. A batch of more than MaxBatch messages is rejected, because
// there would never be capacity for it.
func (d Decoder) decodeBatch(line []byte, batches bool) Frame {
	var elements []json.RawMessage
	var f *Fault
	switch f = wellFormed(line); {
	case f != nil:
	case !batches:
		f = &Fault{mcp.INVALID_REQUEST, "batches are not part of this protocol revision"}
	case json.Unmarshal(line, &elements) != nil:
		f = &Fault{mcp.PARSE_ERROR, "not valid JSON"}
	case len(elements) == 0:
		f = &Fault{mcp.INVALID_REQUEST, "empty batch"}
	case len(elements) > d.MaxBatch:
		f = &Fault{mcp.INVALID_REQUEST, fmt.Sprintf("a batch must not have more than %d messages", d.MaxBatch)}
	}
	if f != nil {
		return rejected(f)
	}
	batch := Frame{Batch: true, Size: len(line)}
	for _, element := range elements {
		batch.Messages = append(batch.Messages, parse(element))
	}
	return batch
}
