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

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	date   time.Time // the server's clock; zero if it did not say
	limit  int       // X-RateLimit-Limit; 0 if it did not say
	total  *int      // of a list; nil if it did not say

	body    []byte
	readErr error // why body is not a whole JSON value
}

// readAnswer reads one JSON value, not the end of the body: a body that goes
// on for ever after it holds nobody up.
func readAnswer(res *http.Response, limit int64) answer {
	a := answer{status: res.StatusCode, header: res.Header}
	a.date, _ = http.ParseTime(res.Header.Get("Date"))
	a.limit, _ = strconv.Atoi(res.Header.Get("X-RateLimit-Limit"))

	var read bytes.Buffer
	body := &io.LimitedReader{R: res.Body, N: limit}
	var value json.RawMessage
	if a.readErr = json.NewDecoder(io.TeeReader(body, &read)).Decode(&value); a.readErr != nil {
		if a.status/100 == 2 && errors.As(a.readErr, new(*json.SyntaxError)) {
			_, _ = io.Copy(&read, body) // a secret may stand behind what is no JSON
		}
		a.body = read.Bytes()
		if body.N == 0 {
			a.readErr = errTooLong
		}
		return a
	}
	a.body = value
	if res.ContentLength == int64(read.Len()) {
		_, _ = res.Body.Read(make([]byte, 1)) // the end, after which the connection can be used again
	}
	return a
}

var errTooLong = errors.New("too long")

// truncated reports whether the connection failed while the body was read, as
// opposed to a body that is something else than JSON.
func (a *answer) truncated() bool {
	var syntax *json.SyntaxError
	return a.readErr != nil && !errors.As(a.readErr, &syntax) && a.readErr != errTooLong && a.readErr != io.EOF
}

// namedSecret finds a key that stands in text as the value of "secret".
var namedSecret = regexp.MustCompile(`"secret"\s*:\s*"(raff_[^"\\\s]+)"`)

// empty reports whether a has no body.
func (a *answer) empty() bool { return a.readErr == io.EOF && len(bytes.TrimSpace(a.body)) == 0 }

// decodeKey reads an answer that makes a key. Its secret is found wherever and
// whatever is around it: a mark before the JSON, an unknown wrapping or a stray
// value must not cost a key its secret. And it is nowhere but in Secret, even if
// the API repeated it elsewhere. The client's own key is not a new secret.
func decodeKey(c *Client, a *answer) (APIKeyWithSecret, *Error) {
	rest, secret := *a, Secret{}
	for _, m := range namedSecret.FindAllSubmatch(a.body, -1) {
		if found := NewSecret(string(m[1])); !found.equal(c.cfg.APIKey) {
			secret = found
			rest.body = secret.cutOut(a.body)
			break
		}
	}
	key, err := decode[APIKeyWithSecret](c, &rest)
	if !secret.Empty() {
		key.Secret = secret
	}
	for _, text := range key.texts() {
		*text = key.Secret.hidePieces(*text)
	}
	if strings.Contains(key.KeyPrefix, redacted) {
		key.KeyPrefix = "" // see Prefix
	}
	return key, err
}

// envelope is what the API wraps every answer in. One page of its
// documentation shows answers without it, so an answer without "data" is read
// as data itself.
type envelope struct {
	Success json.RawMessage `json:"success"`
	Data    json.RawMessage `json:"data"`
	Total   json.RawMessage `json:"total"`
	Error   json.RawMessage `json:"error"`
	Errors  json.RawMessage `json:"errors"`
}

// denied reports whether the envelope says that the request was not successful: in
// "success", whatever its type, or by an error in place of data.
func (e envelope) denied() bool {
	switch strings.ToLower(strings.Trim(string(e.Success), `"`)) {
	case "false", "0", "no":
		return true
	}
	return e.Data == nil && (says(e.Error) || says(e.Errors))
}

// says reports whether the value of an error is one.
func says(value json.RawMessage) bool {
	switch string(value) {
	case "", "null", "false", "0", `""`, "{}", "[]":
		return false
	}
	return true
}

// decode reads the data of a 2xx answer, leniently: unknown fields are
// ignored, and a field of an unexpected type is unknown. With an error it
// returns what could be read all the same, because that may be a secret.
func decode[T any](c *Client, a *answer) (T, *Error) {
	return decodeWith(c, a, decodeResource[T])
}

// decodeWith is decode with a function that reads the data.
func decodeWith[T any](c *Client, a *answer, read func(json.RawMessage) (T, error)) (T, *Error) {
	var data T
	body := c.cfg.APIKey.cutOut(a.body)
	if a.readErr != nil {
		body = salvage(body)
	}
	body = sanitizeJSON(body)
	e := envelope{Data: body}
	if !bytes.HasPrefix(body, []byte("[")) {
		var err error
		if e, _, err = decodeObject[envelope](body); err != nil {
			return data, c.badAnswer(a)
		}
	}
	a.total = readTotal(e.Total)
	denied := e.denied()
	if e.Data == nil {
		e.Data = body
	}
	data, err := read(e.Data)
	if err != nil || a.readErr != nil {
		return data, c.badAnswer(a)
	}
	if denied {
		return data, c.unsuccessful(a)
	}
	return data, nil
}

// readTotal reads the length of a list: 120, 120.0 or "120". Anything else is
// unknown, and so is a negative one.
func readTotal(raw json.RawMessage) *int {
	text := strings.Trim(string(raw), `"`)
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n != math.Trunc(n) || n > math.MaxInt32 {
		return nil
	}
	return new(int(n))
}

// decodeList reads a JSON array of objects; null is an empty one.
func decodeList[T any](raw json.RawMessage) ([]T, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, err
	}
	list := make([]T, len(elements))
	for i, element := range elements {
		var err error
		if list[i], err = decodeResource[T](element); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// decodeResource reads a JSON object, and has it note which of its fields are
// unknown because the API sent something unexpected.
func decodeResource[T any](raw json.RawMessage) (T, error) {
	v, unknown, err := decodeObject[T](raw)
	if r, ok := any(&v).(interface{ setUnreadable([]string) }); ok && err == nil {
		r.setUnreadable(unknown)
	}
	return v, err
}

// decodeObject reads a JSON object into a struct. A member of another type than
// its field is left out, and named in unknown.
func decodeObject[T any](raw json.RawMessage) (v T, unknown []string, err error) {
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
		member := map[string]json.RawMessage{name: members[name]}
		text, err := json.Marshal(member)
		if err == nil {
			err = json.Unmarshal(text, new(T))
		}
		if err != nil {
			delete(members, name)
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	text, err := json.Marshal(members)
	if err != nil {
		return v, unknown, err
	}
	var clean T // v holds zero values where something else was sent
	err = json.Unmarshal(text, &clean)
	return clean, unknown, err
}

// salvage returns the members of an object that arrived before its text broke
// off, as an object; those of "data" likewise. Of text that is not an object
// it returns nothing.
func salvage(text []byte) []byte {
	members := map[string]json.RawMessage{}
	dec := json.NewDecoder(bytes.NewReader(text))
	salvageObject(dec, members, true)
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
