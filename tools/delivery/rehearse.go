package delivery

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
)

// A Rehearsal is the delivery of a made-up secret.
type Rehearsal struct {
	// Secret is the made-up secret: "raff_rehearsal_…". It grants no access to anything.
	Secret string
	// Location is where it was delivered, as in Secret.Location.
	Location string
	// Output is what the command printed on its standard output and standard error, in
	// the order of printing, at most maxOutput bytes. It is untrusted text. In a delivery
	// it is discarded; only the output about a made-up secret may be shown.
	Output string
	// Skipped says what a delivery does and the rehearsal did not, as a sentence. It is "" if
	// it did all.
	Skipped string
	// Left says what the rehearsal has left behind and could not remove, as a sentence. It
	// is "" if nothing is left.
	Left string
}

// rehearsalPrefix begins every made-up secret.
const rehearsalPrefix = "raff_rehearsal_"

// maxOutput is how much of a command's output a Rehearsal contains.
const maxOutput = 64 << 10 // bytes

// Rehearse delivers a made-up secret as Deliver delivers a real one, and removes it again
// if it was delivered to a new file or to the keychain. A file that a delivery would change
// is left as it is. Rehearse does not use the recovery directory. If
// secrets are delivered inline, it does nothing. With an error, it also returns what the
// command printed.
func (m *Method) Rehearse(ctx context.Context) (Rehearsal, error) {
	if m.Inline() {
		return Rehearsal{}, nil
	}
	id := random()
	r := Rehearsal{Secret: rehearsalPrefix + rand.Text()}
	key := Key{ID: "rehearsal-" + id, Name: "raff-mcp rehearsal", Prefix: "raff_rehearsa"}
	err := m.rehearse(ctx, key, value(r.Secret), &r)
	return r, err
}

// rehearse stores a file and removes it.
func (s dirStore) rehearse(_ context.Context, k Key, v value, r *Rehearsal) (err error) {
	if r.Location, err = s.put(k, v); err != nil {
		return err
	}
	root, err := s.openExisting()
	if err == nil {
		defer root.Close()
		err = root.Remove(filepath.Base(r.Location))
	}
	if err != nil {
		r.Left = "The file " + r.Location + " could not be removed: remove it."
	}
	return nil
}

// rehearse stores a value in the keychain and removes it.
func (s *keyringStore) rehearse(ctx context.Context, k Key, v value, r *Rehearsal) (err error) {
	if r.Location, err = s.put(ctx, k, v); err != nil {
		return err
	}
	ctx, cancel := detach(ctx, s.waits.store, s.waits.cancelGrace)
	defer cancel()
	if s.keychain.Delete(ctx, accountName(k)) != nil {
		r.Left = "The keychain's entry " + keychain.Service + ", " + accountName(k) + " could not be removed: remove it."
	}
	return nil
}

// rehearse does all that a delivery does, but leaves the file as it is.
func (f fixedFile) rehearse(ctx context.Context, _ Key, v value, r *Rehearsal) error {
	if err := f.try(ctx, v); err != nil {
		return err
	}
	r.Location, r.Skipped = f.location(), "The new contents were written beside the file and removed again: it was left as it was."
	return nil
}

// rehearse runs the command and keeps its output.
func (c *command) rehearse(ctx context.Context, k Key, v value, r *Rehearsal) (err error) {
	out := &output{}
	shown := *c
	shown.output = out
	r.Location, err = shown.run(ctx, k, v)
	r.Output = out.String()
	if err == nil {
		r.Left = "Remove it from where the command stores it: its name is raff-mcp rehearsal, and it begins with raff_rehearsal."
	}
	return err
}

// output keeps the beginning of what is written to it.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(text[:min(len(text), maxOutput-o.text.Len())])
	return len(text), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
