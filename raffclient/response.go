package raffclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// response is the API's response to a request.
type response struct {
	status int
	header http.Header
	date   time.Time // by the server's clock; zero if unknown
	limit  int       // X-RateLimit-Limit; 0 if unknown
	total  *int      // length of a list, set by decodeData; nil if unknown

	body    []byte
	readErr error // why body is not a complete JSON value
}

// readResponse reads one JSON value, at most limit bytes. It does not read to the end
// of the body, because more data may follow without end.
func readResponse(httpRes *http.Response, limit int64) response {
	res := response{status: httpRes.StatusCode, header: httpRes.Header}
	res.date, _ = http.ParseTime(httpRes.Header.Get("Date"))
	res.limit, _ = strconv.Atoi(httpRes.Header.Get("X-RateLimit-Limit"))

	var read bytes.Buffer
	body := &io.LimitedReader{R: httpRes.Body, N: limit}
	var value json.RawMessage
	if res.readErr = json.NewDecoder(io.TeeReader(body, &read)).Decode(&value); res.readErr != nil {
		if res.status/100 == 2 && errors.As(res.readErr, new(*json.SyntaxError)) {
			_, _ = io.Copy(&read, body) // a secret may follow the text that is not JSON
		}
		res.body = unescape(read.Bytes())
		if body.N == 0 {
			res.readErr = errTooLong
		}
		return res
	}
	res.body = unescape(value)
	if httpRes.ContentLength == int64(read.Len()) {
		_, _ = httpRes.Body.Read(make([]byte, 1)) // reach the end, so that the connection can be reused
	}
	return res
}

var errTooLong = errors.New("too long")

// truncated reports whether reading the body failed, as opposed to a body that is
// not JSON.
func (res *response) truncated() bool {
	var syntax *json.SyntaxError
	return res.readErr != nil && !errors.As(res.readErr, &syntax) && res.readErr != errTooLong && res.readErr != io.EOF
}

// empty reports whether the response has no body.
func (res *response) empty() bool {
	return res.readErr == io.EOF && len(bytes.TrimSpace(res.body)) == 0
}

// A decoder decodes a successful response. With an error it also returns what it
// could decode, because that may contain a secret.
type decoder[T any] = func(*Client, *response) (T, *Error)

// decodeResource decodes a response that contains one object.
func decodeResource[T any](c *Client, res *response) (T, *Error) {
	return decodeData(c, res, unmarshalResource[T])
}

// decodeList decodes a response that contains a list of objects.
func decodeList[T any](c *Client, res *response) ([]T, *Error) {
	return decodeData(c, res, unmarshalList[T])
}

// secretMember matches a member "secret" whose value is a key.
var secretMember = regexp.MustCompile(`"secret"\s*:\s*"(raff_[^"\\\s]+)"`)

// decodeKey decodes a response that contains a key with its secret. It finds the
// secret anywhere in the body: it must not be lost because of a byte order mark, an
// unknown envelope or an unexpected value. It redacts the secret in all other fields,
// where the API may have repeated it. It ignores the client's own keys.
func decodeKey(c *Client, res *response) (APIKeyWithSecret, *Error) {
	rest, secret := *res, Secret{}
	for _, m := range secretMember.FindAllSubmatch(res.body, -1) {
		if found := NewSecret(string(m[1])); !slices.ContainsFunc(c.key.all(), found.equal) {
			secret = found
			rest.body = secret.redactWhole(res.body)
			break
		}
	}
	key, err := decodeResource[APIKeyWithSecret](c, &rest)
	if !secret.IsZero() {
		key.Secret = secret
	}
	for _, text := range key.texts() {
		// An ID or a time does not contain the secret, but may be similar to a piece of a
		// secret that is not random.
		if _, isTime := Timestamp(*text).Time(); !isTime && !IsUUID(*text) {
			*text = key.Secret.Redact(*text)
		}
	}
	if strings.Contains(key.KeyPrefix, redacted) {
		key.KeyPrefix = "" // see Prefix
	}
	return key, err
}

// envelope is the outer object of every response. One page of the API's
// documentation shows responses without it, so a response without "data" is
// itself taken for the data.
type envelope struct {
	Success json.RawMessage `json:"success"`
	Data    json.RawMessage `json:"data"`
	Total   json.RawMessage `json:"total"`
	Error   json.RawMessage `json:"error"`
	Errors  json.RawMessage `json:"errors"`
}

// reportsFailure reports whether the envelope says that the request failed: in
// "success", whatever its type, or by an error instead of data.
func (e envelope) reportsFailure() bool {
	switch strings.ToLower(strings.Trim(string(e.Success), `"`)) {
	case "false", "0", "no":
		return true
	}
	return e.Data == nil && (isSet(e.Error) || isSet(e.Errors))
}

// isSet reports whether the value of a member is something other than a zero value.
func isSet(value json.RawMessage) bool {
	switch string(value) {
	case "", "null", "false", "0", `""`, "{}", "[]":
		return false
	}
	return true
}

// decodeData sanitizes the body of res, removes the envelope and decodes the data
// with unmarshal. It sets res.total. With an error it also returns what it could
// decode.
func decodeData[T any](c *Client, res *response, unmarshal func(json.RawMessage) (T, error)) (T, *Error) {
	var data T
	body := res.body
	for _, key := range c.key.all() {
		body = key.redactWhole(body)
	}
	if res.readErr != nil {
		body = salvage(body)
	}
	body = sanitizeJSON(body)
	e := envelope{Data: body}
	if !bytes.HasPrefix(body, []byte("[")) {
		var err error
		if e, _, err = unmarshalObject[envelope](body); err != nil {
			return data, c.badResponse(res)
		}
	}
	res.total = parseTotal(e.Total)
	failed := e.reportsFailure()
	if e.Data == nil {
		e.Data = body
	}
	data, err := unmarshal(e.Data)
	if err != nil || res.readErr != nil {
		return data, c.badResponse(res)
	}
	if failed {
		return data, c.unsuccessful(res)
	}
	return data, nil
}

// parseTotal parses the length of a list: 120, 120.0 or "120". It returns nil for
// anything else.
func parseTotal(raw json.RawMessage) *int {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || n < 0 || n != math.Trunc(n) || n > math.MaxInt32 {
		return nil
	}
	return new(int(n))
}

// unmarshalList unmarshals a JSON array of objects; null is an empty one.
func unmarshalList[T any](raw json.RawMessage) ([]T, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, err
	}
	list := make([]T, len(elements))
	for i, element := range elements {
		var err error
		if list[i], err = unmarshalResource[T](element); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// unmarshalResource unmarshals a JSON object. If T has a method setUnreadable, it
// is called with the names of the fields that have an unexpected type.
func unmarshalResource[T any](raw json.RawMessage) (T, error) {
	v, unreadable, err := unmarshalObject[T](raw)
	if r, ok := any(&v).(interface{ setUnreadable([]string) }); ok && err == nil {
		r.setUnreadable(unreadable)
	}
	return v, err
}

// unmarshalObject unmarshals a JSON object into a struct and ignores unknown
// members. A member whose type is not that of its field is left out, and its name
// is returned in unreadable.
func unmarshalObject[T any](raw json.RawMessage) (v T, unreadable []string, err error) {
	err = json.Unmarshal(raw, &v)
	if _, mistyped := errors.AsType[*json.UnmarshalTypeError](err); !mistyped {
		return v, nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		var none T
		return none, nil, err
	}
	for name := range members {
		text, err := json.Marshal(map[string]json.RawMessage{name: members[name]})
		if err == nil {
			err = json.Unmarshal(text, new(T))
		}
		if err != nil {
			delete(members, name)
			unreadable = append(unreadable, name)
		}
	}
	slices.Sort(unreadable)
	text, err := json.Marshal(members)
	if err != nil {
		return v, unreadable, err
	}
	var readable T // v contains zero values for the mistyped members
	err = json.Unmarshal(text, &readable)
	return readable, unreadable, err
}

// salvage returns an object with the complete members of an object whose text was
// truncated, and of its member "data". It returns nil for text that is not an object.
func salvage(text []byte) []byte {
	members := map[string]json.RawMessage{}
	salvageObject(json.NewDecoder(bytes.NewReader(text)), members, true)
	out, err := json.Marshal(members)
	if err != nil || len(members) == 0 {
		return nil
	}
	return out
}

func salvageObject(dec *json.Decoder, members map[string]json.RawMessage, top bool) {
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return
		}
		name, _ := key.(string)
		if name == "data" && top {
			data := map[string]json.RawMessage{}
			salvageObject(dec, data, false)
			members[name], _ = json.Marshal(data)
			continue
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return
		}
		members[name] = value
	}
	_, _ = dec.Token()
}
