package delivery_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// A helper is a program that a test starts: this one, told by a variable to be
// another. Those that are commands are told by their arguments.
const helperVariable = "HANDOVER_TEST_HELPER"

func TestMain(m *testing.M) {
	if len(os.Args) == len(commandArgs("", "")) && os.Args[1] == commandArgs("", "")[1] {
		commandHelper(os.Args[3], os.Args[4])
		return
	}
	switch os.Getenv(helperVariable) {
	case "":
		os.Exit(runTests(m))
	case "deliver":
		deliverForEver(os.Getenv("HANDOVER_TEST_DIR"))
	case "deliver to a variable":
		deliverToVariable(os.Getenv("HANDOVER_TEST_DIR"))
	case "deliver hanging":
		deliverHanging(os.Getenv("HANDOVER_TEST_DIR"))
	case "deliver once":
		deliverOnce(os.Getenv("HANDOVER_TEST_DIR"))
	}
}

// runTests runs the tests. Those that run in parallel wait for processes more than they
// compute, so more of them run at once than there are processors.
func runTests(m *testing.M) int {
	if err := flag.Set("test.parallel", "16"); err != nil { // -parallel overrides it
		panic(err)
	}
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil { // with -race, a program ends a second later
		panic(err)
	}
	return m.Run()
}

// deliverForEver puts one secret after the other into a directory.
func deliverForEver(dir string) {
	ctx := context.Background()
	way, err := delivery.New(ctx, delivery.Config{Delivery: "file", Dir: dir})
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	for {
		secret := secretOf(rand.Text())
		if _, err = way.Deliver(ctx, delivery.Key{Name: "killed", Prefix: secret[:13]}, raffclient.NewSecret(secret)); err != nil {
			panic(err)
		}
	}
}

func deliverOnce(dir string) {
	way, err := delivery.New(context.Background(), delivery.Config{Delivery: "file", Dir: dir})
	if err == nil {
		_, err = way.Deliver(context.Background(), ci, raffclient.NewSecret(secret))
	}
	if err != nil {
		panic(err)
	}
}

// deliverHanging delivers a secret, but not in time: the disk is slow.
func deliverHanging(dir string) {
	_, err := delivery.PutSyncing(dir, ci, secret, func(*os.File) error {
		fmt.Println("ready")
		hang()
		return nil
	})
	panic(err)
}

// hang blocks for longer than any test waits. The runtime takes an empty select for
// a deadlock.
func hang() { <-time.After(time.Minute) }

// killWhenReady starts a helper and kills it some time after it has said that it is
// ready.
func killWhenReady(t *testing.T, helper, dir string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+helper, "HANDOVER_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Errorf("got %q, %v", line, err)
	}
	<-time.After(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
}

// secretOf returns a secret whose end follows from its beginning, so that half of
// one, or two mixed up, is seen.
func secretOf(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	prefix := "raff_" + hex.EncodeToString(sum[:4])
	rest := sha256.Sum256([]byte(prefix))
	return prefix + hex.EncodeToString(rest[:])
}

// isWhole reports whether text is what secretOf returns, all of it.
func isWhole(text string) bool {
	if len(text) < 13 {
		return false
	}
	rest := sha256.Sum256([]byte(text[:13]))
	return text == text[:13]+hex.EncodeToString(rest[:])
}

const secret = "raff_17d70fcf2b8e4d9a0c6f1b3e5a7d9c8b6a4f2e0d1c3b5a79688f7e6d5c4b3a2f"

var ci = delivery.Key{ID: "11111111-1111-4111-8111-111111111111", Name: "Production CI", Prefix: "raff_17d70fcf"}

// bench is a way, with where it may leave something.
type bench struct {
	way                 *delivery.Method
	home, dir, recovery string
	log                 bytes.Buffer
}

func newBench(t *testing.T, cfg delivery.Config) *bench {
	t.Helper()
	b := &bench{home: t.TempDir()}
	b.recovery = filepath.Join(b.home, ".raff", "recovered")
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join(b.home, ".raff", "secrets")
	}
	if cfg.Recovery == "" {
		cfg.Recovery = b.recovery
	}
	b.dir, b.recovery = cfg.Dir, cfg.Recovery
	cfg.Logger = slog.New(slog.NewTextHandler(&b.log, nil))
	var err error
	if b.way, err = delivery.New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) deliver(t *testing.T) (delivery.Secret, error) {
	t.Helper()
	got, err := b.way.Deliver(t.Context(), ci, raffclient.NewSecret(secret))
	if err == nil && (!got.Sensitive || got.Note == "" || got.Value != "" || got.Location == "") {
		t.Errorf("got %+v", got)
	}
	b.searchTexts(t, got, err)
	return got, err
}

// searchTexts looks for the secret in everything that is said.
func (b *bench) searchTexts(t *testing.T, got delivery.Secret, err error) {
	t.Helper()
	said := b.log.String() + got.Note + got.Location + got.Describe()
	if err != nil {
		said += err.Error()
	}
	for i := len("raff_17d70fcf"); i+8 <= len(secret); i++ {
		if strings.Contains(said, secret[i:i+8]) {
			t.Fatalf("a piece of the secret is in %s", said)
		}
	}
}

// recovers checks that the secret was saved, and only there, and that this is
// told.
func (b *bench) recovers(t *testing.T, want ...string) {
	t.Helper()
	got, err := b.deliver(t)
	if err != nil {
		t.Fatalf("got %v, want a recovery file", err)
	}
	if got.Delivery != "recovered" || filepath.Dir(got.Location) != b.recovery || readFile(t, got.Location) != secret {
		t.Errorf("got %+v", got)
	}
	onlyOwner(t, got.Location)
	for _, want := range append(want, "remove the file") {
		if !strings.Contains(got.Note, want) {
			t.Errorf("the note lacks %q: %s", want, got.Note)
		}
	}
	for _, want := range []string{ci.ID, ci.Name, ci.Prefix, got.Location} {
		if !strings.Contains(b.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, b.log.String())
		}
	}
	if where := holders(t, b.home); !slices.Equal(where, []string{got.Location}) {
		t.Errorf("the secret is in %q, want %s", where, got.Location)
	}
}

// holders returns the files below dir that hold a piece of the secret.
func holders(t *testing.T, dir string) (paths []string) {
	t.Helper()
	for _, path := range files(t, dir) {
		if text := readFile(t, path); strings.Contains(text, secret[13:30]) || strings.Contains(text, secret[40:60]) {
			paths = append(paths, path)
		}
	}
	return paths
}

// files returns all regular files below dir.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func onlyOwner(t *testing.T, path string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %#o, want %#o", path, got, want)
		}
	}
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, want := range want {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want it to say %q", text, want)
		}
	}
}
