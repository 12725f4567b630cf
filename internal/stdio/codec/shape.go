package codec

import (
	"strings"
	"unicode"

	"github.com/mark3labs/mcp-go/mcp"
)

// A shape describes the known members of an object, or of the objects in an array.
type shape struct {
	known    map[string]*shape // the known members, by their exact names
	spelling map[string]string // their names, by their folded forms
	other    *shape            // of the values of other members
	opaque   bool              // not validated here, but by the code that decodes it
}

var (
	anything = &shape{}
	opaque   = &shape{opaque: true}
)

// withMembers returns the shape of an object with these members.
func withMembers(known map[string]*shape) *shape {
	s := &shape{known: known, spelling: map[string]string{}}
	for name := range known {
		s.spelling[fold(name)] = name
	}
	return s
}

// withNames returns the shape of an object with members of any value.
func withNames(names ...string) *shape {
	known := map[string]*shape{}
	for _, name := range names {
		known[name] = anything
	}
	return withMembers(known)
}

// The shapes of everything that mcp-go decodes.
var (
	messageShape = withMembers(map[string]*shape{
		"jsonrpc": anything,
		"id":      anything,
		"method":  anything,
		// Read separately, by shapes that depend on the method.
		"params": opaque,
		"result": opaque,
		"error":  anything,
	})

	// paramsShape is the shape of the params of all requests except tool calls. mcp-go
	// receives no other members. It ignores the members of other methods.
	paramsShape = withMembers(paramsMembers(anything))
	// callShape is the shape of the params of a tool call. The tool validates its
	// arguments itself: their names may differ only in case, and the error must be one
	// that the model sees.
	callShape = withMembers(paramsMembers(opaque))

	notificationShape = withMembers(map[string]*shape{
		"_meta":         metaShape,
		"requestId":     anything,
		"reason":        anything,
		"progressToken": anything,
		"progress":      anything,
		"total":         anything,
		"message":       anything,
	})

	metaShape = withMembers(map[string]*shape{
		"progressToken":               anything,
		mcp.MetaKeyProtocolVersion:    anything,
		mcp.MetaKeyClientInfo:         implementationShape,
		mcp.MetaKeyClientCapabilities: capabilitiesShape,
		mcp.MetaKeyLogLevel:           anything,
	})

	implementationShape = withMembers(map[string]*shape{
		"name":        anything,
		"version":     anything,
		"title":       anything,
		"description": anything,
		"websiteUrl":  anything,
		"icons":       withNames("src", "mimeType", "sizes", "theme"),
	})

	capabilitiesShape = withMembers(map[string]*shape{
		"extensions":   anything,
		"experimental": anything,
		"roots":        withNames("listChanged"),
		"sampling":     withNames("context", "tools"),
		"elicitation":  withNames("form", "url"),
		"tasks": withMembers(map[string]*shape{
			"list":   anything,
			"cancel": anything,
			"requests": withMembers(map[string]*shape{
				"tools":       withNames("call"),
				"sampling":    withNames("createMessage"),
				"elicitation": withNames("create"),
			}),
		}),
	})

	// resultShape is the shape of a result that the client sends.
	resultShape = withMembers(map[string]*shape{
		"_meta":      metaShape,
		"resultType": anything,
		"action":     anything,
		"content":    anything,
		"role":       anything,
		"model":      anything,
		"stopReason": anything,
		"roots":      withMembers(map[string]*shape{"_meta": metaShape, "uri": anything, "name": anything}),
	})
)

func paramsMembers(arguments *shape) map[string]*shape {
	return map[string]*shape{
		"_meta": metaShape,

		"protocolVersion": anything,
		"capabilities":    capabilitiesShape,
		"clientInfo":      implementationShape,

		"name":           anything,
		"arguments":      arguments,
		"task":           withNames("ttl"),
		"inputResponses": {other: resultShape},
		"requestState":   anything,

		"cursor":           anything,
		"uri":              anything,
		"level":            anything,
		"taskId":           anything,
		"ref":              withNames("type", "name", "uri"),
		"argument":         withNames("name", "value"),
		"context":          withNames("arguments"),
		subscriptionFilter: withNames("toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions"),
	}
}

// subscriptionFilter is the member of the params of subscriptions/listen that selects
// notifications. mcp-go does not receive it: it would keep the request open for
// notifications that never come. A subscription to nothing ends immediately.
const subscriptionFilter = "notifications"

// paramsShapeOf returns the shape of the params of a message.
func paramsShapeOf(method string, isNotification bool) *shape {
	switch {
	case isNotification:
		return notificationShape
	case method == string(mcp.MethodToolsCall):
		return callShape
	}
	return paramsShape
}

// fold returns a string that is equal for names that encoding/json considers equal. It
// replaces each character by the smallest one that differs from it only in case,
// so that "K" (U+212A, the Kelvin sign) equals "k", and "ſ" (U+017F) equals "s".
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, name)
}
