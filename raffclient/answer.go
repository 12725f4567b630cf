package raffclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
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

// decodeKey reads an answer that makes a key. Its secret is found wherever and
// whatever is around it: a mark before the JSON, an unknown wrapping or a stray
// value must not cost a key its secret. And it is nowhere but in Secret, even if
// the API repeated it elsewhere.
func decodeKey(c *Client, a *answer) (APIKeyWithSecret, *Error) {
	rest, secret := *a, Secret{}
	if m := namedSecret.FindSubmatch(a.body); m != nil {
		secret = NewSecret(string(m[1]))
		rest.body = secret.cutOut(a.body)
	}
	key, err := decode[APIKeyWithSecret](c, &rest)
	if !secret.Empty() {
		key.Secret = secret
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
	Success *bool           `json:"success"`
	Data    json.RawMessage `json:"data"`
	Total   *int            `json:"total"`
}

// decode reads the data of a 2xx answer, leniently: unknown fields are
// ignored, a field of an unexpected type is left zero. With an error it
// returns what could be read all the same, because that may be a secret.
func decode[T any](c *Client, a *answer) (T, *Error) {
	var data T
	body := c.cfg.APIKey.cutOut(a.body)
	if a.readErr != nil {
		body = salvage(body)
	}
	var e envelope
	if unmarshal(body, &e) != nil {
		return data, c.badAnswer(a)
	}
	a.total = e.Total
	if e.Data == nil {
		e.Data = body
	}
	if unmarshal(e.Data, &data) != nil || a.readErr != nil {
		return data, c.badAnswer(a)
	}
	if e.Success != nil && !*e.Success {
		return data, c.unsuccessful(a)
	}
	return data, nil
}

// unmarshal is json.Unmarshal, but a value of another type than its field is
// left out instead of being an error. The value itself must have the right
// shape.
func unmarshal(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
		return nil
	}
	return err
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
