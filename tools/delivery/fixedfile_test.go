package delivery_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// envFile returns the configuration of a destination for a file that does not exist yet, in
// a directory of its own.
func envFile(t *testing.T) delivery.Config {
	t.Helper()
	dir := t.TempDir()
	return delivery.Config{
		Delivery:    "env-file",
		Destination: "local",
		Path:        filepath.Join(dir, "site", ".env.local"),
		Variable:    "RAFF_API_KEY",
		Locks:       filepath.Join(dir, "home", ".raff", "locks"),
	}
}

// newTarget returns a bench for the destination, with the file if text is not "".
func newTarget(t *testing.T, cfg delivery.Config, text string) *bench {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o755); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		if err := os.WriteFile(cfg.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return newBench(t, cfg)
}

// onlyFile checks that nothing but the file is left in its directory.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	if got := files(t, filepath.Dir(path)); len(got) != 1 || got[0] != path {
		t.Errorf("got %q, want only %s", got, path)
	}
}

func TestEnvFile(t *testing.T) {
	cfg := envFile(t)
	for _, tt := range []struct{ name, old, want, location string }{
		{"new", "", "RAFF_API_KEY=" + secret + "\n", ""},
		{"again", "", "RAFF_API_KEY=" + secret + "\n", ""},
		{"among others", "A=1\r\nexport RAFF_API_KEY='raff_aaaaaaaabbbbbbbbcccccccc' # ci\r\nB=2\r\n",
			"A=1\r\nexport RAFF_API_KEY='" + secret + "' # ci\r\nB=2\r\n", "(it replaced the key with the fingerprint raff_aaaaaaaa-"},
		{"other text before", "RAFF_API_KEY=changeme", "RAFF_API_KEY=" + secret, ""},
	} {
		b := newTarget(t, cfg, tt.old)
		if err := b.way.Ready(t.Context()); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if tt.old != "" && readFile(t, cfg.Path) != tt.old {
			t.Errorf("%s: Ready changed the file to %q", tt.name, readFile(t, cfg.Path))
		}
		got, err := b.deliver(t)
		if err != nil || got.Delivery != "env-file" || got.Destination != "local" || !strings.HasPrefix(got.Location, "RAFF_API_KEY in "+cfg.Path) ||
			!strings.Contains(got.Location, tt.location) || tt.location == "" && strings.Contains(got.Location, "replaced") {
			t.Errorf("%s: got %+v, %v", tt.name, got, err)
		}
		if got.Fingerprint != raffclient.NewSecret(secret).Fingerprint() || got.Fingerprint == "" {
			t.Errorf("%s: got the fingerprint %q", tt.name, got.Fingerprint)
		}
		if text := readFile(t, cfg.Path); text != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, text, tt.want)
		}
		onlyFile(t, cfg.Path)
		if runtime.GOOS != "windows" {
			if info, err := os.Stat(cfg.Path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: got mode %v, %v", tt.name, info.Mode(), err)
			}
		}
	}
}

// A file that contains only the secret is replaced as a whole.
func TestOneFile(t *testing.T) {
	cfg := envFile(t)
	cfg.Delivery, cfg.Variable = "one-file", ""
	b := newTarget(t, cfg, "raff_aaaaaaaabbbbbbbbcccccccc\n")
	got, err := b.deliver(t)
	if err != nil || !strings.HasPrefix(got.Location, cfg.Path+" (it replaced the key with the fingerprint raff_aaaaaaaa-") || readFile(t, cfg.Path) != secret {
		t.Errorf("got %+v, %v, %q", got, err, readFile(t, cfg.Path))
	}
	onlyFile(t, cfg.Path)
}

func TestEnvFileKeepsMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	cfg := envFile(t)
	b := newTarget(t, cfg, "A=1\n")
	if err := os.Chmod(cfg.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := b.deliver(t); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(cfg.Path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
}

// What is refused is refused before a key is created, and leaves the file as it was.
func TestEnvFileRefused(t *testing.T) {
	git := func(t *testing.T, dir string, args ...string) {
		t.Helper()
		needGit(t)
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	unixOnly := func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("no such modes")
		}
	}
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    string
	}{
		{"readable by others", func(t *testing.T, path string) { unixOnly(t); chmod(t, path, 0o644) }, "other users can access it (mode 0644): chmod 600 it"},
		{"symbolic link", func(t *testing.T, path string) {
			rename(t, path, path+".real")
			if err := os.Symlink(path+".real", path); err != nil {
				t.Skip(err)
			}
		}, "it is a symbolic link"},
		{"hard link", func(t *testing.T, path string) {
			unixOnly(t)
			if err := os.Link(path, path+".other"); err != nil {
				t.Skip(err)
			}
		}, "it has several names"},
		{"directory", func(t *testing.T, path string) {
			rename(t, path, path+".real")
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "it is not a regular file"},
		{"not text", func(t *testing.T, path string) { write(t, path, "A=\x00") }, "it is not a text file"},
		{"too large", func(t *testing.T, path string) { write(t, path, strings.Repeat("#", 1<<20+1)) }, "larger than 1 MiB"},
		{"ambiguous", func(t *testing.T, path string) { write(t, path, "A='\nRAFF_API_KEY=x\n'") }, "line 1 begins a quoted value"},
		{"no directory", func(t *testing.T, path string) { rename(t, filepath.Dir(path), filepath.Dir(path)+".moved") }, ".env.local: "},
		{"open directory", func(t *testing.T, path string) { unixOnly(t); chmod(t, filepath.Dir(path), 0o777) }, "every user can change this directory (mode 0777): chmod o-w it"},
		{"not ignored", func(t *testing.T, path string) { git(t, filepath.Dir(path), "init", "-q") }, "is not ignored by git, so the secret could be committed: add the line /.env.local to "},
		{"tracked", func(t *testing.T, path string) {
			dir := filepath.Dir(path)
			git(t, dir, "init", "-q")
			git(t, dir, "add", ".env.local")
			write(t, filepath.Join(dir, ".gitignore"), ".env*\n")
		}, "is tracked by git, so the secret would be committed: git rm --cached it, and add the line /.env.local to "},
		{"in a directory of a repository", func(t *testing.T, path string) { git(t, filepath.Dir(filepath.Dir(path)), "init", "-q") }, "add the line /site/.env.local to "},
		{"ignored, but not this one", func(t *testing.T, path string) {
			git(t, filepath.Dir(path), "init", "-q")
			write(t, filepath.Join(filepath.Dir(path), ".gitignore"), ".env*\n!.env.local\n")
		}, "is not ignored by git"},
		{"below a link into a repository", func(t *testing.T, path string) {
			parent := filepath.Dir(filepath.Dir(path))
			git(t, parent, "init", "-q", "repository")
			real := filepath.Join(parent, "repository", "deploy")
			rename(t, filepath.Dir(path), real)
			if err := os.Symlink(real, filepath.Dir(path)); err != nil {
				t.Skip(err)
			}
		}, "add the line /deploy/.env.local to "},
		{"broken repository", func(t *testing.T, path string) { write(t, filepath.Join(filepath.Dir(path), ".git"), "nonsense") }, "git could not say whether it is ignored ("},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := envFile(t)
			b := newTarget(t, cfg, "A=1\n")
			tt.prepare(t, cfg.Path)
			before, _ := os.ReadFile(cfg.Path)
			err := b.way.Ready(t.Context())
			if err == nil {
				t.Fatal("Ready: got no error")
			}
			contains(t, err.Error(), "destination local: ", tt.want)
			if after, _ := os.ReadFile(cfg.Path); string(after) != string(before) {
				t.Errorf("the file was changed to %q", after)
			}
		})
	}
}

func TestEnvFileIgnoredByGit(t *testing.T) {
	needGit(t)
	cfg := envFile(t)
	b := newTarget(t, cfg, "A=1\n")
	dir := filepath.Dir(cfg.Path)
	if out, err := exec.Command("git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// The line that the error names is enough.
	write(t, filepath.Join(dir, ".gitignore"), "/.env.local\n")
	// Settings of git in the environment do not mislead the check.
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "elsewhere"))
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.deliver(t); err != nil {
		t.Fatal(err)
	}
}

// A file that can no longer be written when the secret is there is no reason to lose it.
func TestEnvFileRecovers(t *testing.T) {
	cfg := envFile(t)
	b := newTarget(t, cfg, "A=1\n")
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	rename(t, filepath.Dir(cfg.Path), filepath.Dir(cfg.Path)+".moved")
	b.recovers(t, "could not be delivered to the destination local", ".env.local")
}

// Whoever delivers at the same time waits for the other. None is lost without a trace: each
// result names the key that it replaced.
func TestEnvFileAtOnce(t *testing.T) {
	cfg := envFile(t)
	b := newTarget(t, cfg, "A=1\nB='x'\n")
	var mu sync.Mutex
	var secrets, locations []string
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			s := secretOf(fmt.Sprint("at once ", i))
			err := b.way.Ready(t.Context())
			got, deliverErr := b.way.Deliver(t.Context(), delivery.Key{Name: "ci"}, raffclient.NewSecret(s))
			mu.Lock()
			defer mu.Unlock()
			secrets, locations = append(secrets, s), append(locations, got.Location)
			if err != nil || deliverErr != nil || got.Delivery != "env-file" {
				t.Errorf("got %+v, %v, %v", got, err, deliverErr)
			}
		})
	}
	wg.Wait()
	last, found := strings.CutPrefix(readFile(t, cfg.Path), "A=1\nB='x'\nRAFF_API_KEY=")
	last = strings.TrimSpace(last)
	if !found || !slices.Contains(secrets, last) {
		t.Errorf("got %q", readFile(t, cfg.Path))
	}
	for _, s := range secrets {
		if s != last && !strings.Contains(strings.Join(locations, " "), raffclient.NewSecret(s).Fingerprint()) {
			t.Errorf("%s was replaced, and no result says so", s[:13])
		}
	}
	onlyFile(t, cfg.Path)
}

// deliverToVariable puts one secret after the other into a file.
func deliverToVariable(path string) {
	ctx := context.Background()
	way, err := delivery.New(ctx, delivery.Config{
		Delivery: "env-file", Destination: "local", Path: path, Variable: "RAFF_API_KEY", Locks: filepath.Dir(path) + ".locks",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	for {
		s := secretOf(rand.Text())
		if got, err := way.Deliver(ctx, delivery.Key{Name: "killed"}, raffclient.NewSecret(s)); err != nil || got.Delivery != "env-file" {
			panic(fmt.Sprint(got, err))
		}
	}
}

// A program that is killed at any point leaves the old file or the new one, and nothing that
// git would add.
func TestEnvFileKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site", ".env")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, "A=1\n")
	for i := range 25 {
		killWhenReady(t, "deliver to a variable", path, time.Duration(i)*400*time.Microsecond)
		rest, found := strings.CutPrefix(readFile(t, path), "A=1\n")
		s := strings.TrimSuffix(strings.TrimPrefix(rest, "RAFF_API_KEY="), "\n")
		if !found || rest != "" && (!isWhole(s) || rest != "RAFF_API_KEY="+s+"\n") {
			t.Fatalf("got %q", readFile(t, path))
		}
	}
	for _, left := range files(t, filepath.Dir(path)) {
		dir := filepath.Dir(left)
		if left != path && filepath.Base(left) != ".gitignore" && readFile(t, filepath.Join(dir, ".gitignore")) != "*\n" {
			t.Errorf("git would see %s", left)
		}
	}
}

// What a killed program left is removed later, unless it may be the only copy of a secret.
func TestEnvFileSweep(t *testing.T) {
	cfg := envFile(t)
	b := newTarget(t, cfg, "A=1\n")
	dir := filepath.Dir(cfg.Path)
	leave := func(name, contents string) string {
		left := filepath.Join(dir, name)
		if err := os.MkdirAll(left, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(left, ".gitignore"), "*\n")
		if contents != "" {
			write(t, filepath.Join(left, "contents"), contents)
		}
		hourAgo := time.Now().Add(-time.Hour)
		if err := os.Chtimes(left, hourAgo, hourAgo); err != nil {
			t.Fatal(err)
		}
		return left
	}
	probe := leave(".raff-mcp-AAAA.new", "RAFF_API_KEY=raff_probe\n")
	renamed := leave(".raff-mcp-BBBB.new", "")
	only := leave(".raff-mcp-CCCC.new", "RAFF_API_KEY="+secret+"\nTEST=raff_probe\n")
	foreign := leave("raff-mcp-DDDD.new", "RAFF_API_KEY=raff_probe\n")
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{probe: false, renamed: false, only: true, foreign: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: exists is %v, want %v", path, err == nil, want)
		}
	}
	contains(t, b.log.String(), "a secret was not delivered, because the program was killed", filepath.Join(only, "contents"))
}

// A destination that does not work is reported when it is used: others may work.
func TestDestinationThatCannotBeUsed(t *testing.T) {
	cfg := delivery.Config{Delivery: "command", Destination: "vault", Command: "no-such-program-here"}
	b := newBench(t, cfg)
	err := b.way.Ready(t.Context())
	if err == nil {
		t.Fatal("Ready: got no error")
	}
	contains(t, err.Error(), "destination vault: no-such-program-here: ")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func needGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
}

// What is not a place in a file is never written to.
func TestImpossibleFixedFile(t *testing.T) {
	for name, change := range map[string]func(*delivery.Config){
		"relative path": func(c *delivery.Config) { c.Path = ".env" },
		"no path":       func(c *delivery.Config) { c.Path = "" },
		"no variable":   func(c *delivery.Config) { c.Variable = "" },
		"two lines":     func(c *delivery.Config) { c.Variable = "A\nB" },
	} {
		cfg := envFile(t)
		change(&cfg)
		b := newBench(t, cfg)
		if err := b.way.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "destination local: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The name of a file means nothing to git but itself.
func TestFileWithNameLikeAPattern(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such names")
	}
	needGit(t)
	for _, name := range []string{":.env", ":!.env", "[.]env", "*", "-q"} {
		cfg := envFile(t)
		cfg.Path = filepath.Join(filepath.Dir(cfg.Path), name)
		b := newTarget(t, cfg, "A=1\n")
		dir := filepath.Dir(cfg.Path)
		write(t, filepath.Join(dir, ".env"), "B=1\n")
		write(t, filepath.Join(dir, "other"), "B=1\n")
		write(t, filepath.Join(dir, ".gitignore"), "*\n")
		git := func(args ...string) {
			t.Helper()
			if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		git("init", "-q")
		git("add", "-f", "other")
		if err := b.way.Ready(t.Context()); err != nil {
			t.Errorf("%s, not tracked: %v", name, err)
		}
		git("add", "-f", "./"+name)
		if err := b.way.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "is tracked by git") {
			t.Errorf("%s, tracked: got %v", name, err)
		}
	}
}

// A program that does not use the lock, such as an editor, may save the file or move its
// directory at any moment.
func TestEnvFileChangedMeanwhile(t *testing.T) {
	cfg := envFile(t)
	newTarget(t, cfg, "A=1\n")
	for _, tt := range []struct {
		name, start, want, wantErr string
		syncs                      int // that change the file
		change                     func(n int) error
	}{
		{"once", "A=1\n", "A=2\nRAFF_API_KEY=" + secret + "\n", "", 1,
			func(int) error { return os.WriteFile(cfg.Path, []byte("A=2\n"), 0o600) }},
		{"with the same size and time", "A=1\n", "A=3\nRAFF_API_KEY=" + secret + "\n", "", 1, func(int) error {
			info, err := os.Stat(cfg.Path)
			if err == nil {
				err = os.WriteFile(cfg.Path, []byte("A=3\n"), 0o600)
			}
			if err == nil {
				err = os.Chtimes(cfg.Path, info.ModTime(), info.ModTime())
			}
			return err
		}},
		{"removed", "A=1\n", "RAFF_API_KEY=" + secret + "\n", "", 1, func(int) error { return os.Remove(cfg.Path) }},
		{"created", "", "B=1\nRAFF_API_KEY=" + secret + "\n", "", 1,
			func(int) error { return os.WriteFile(cfg.Path, []byte("B=1\n"), 0o600) }},
		{"always", "A=1\n", "A=x5\n", "another program keeps changing it", 100,
			func(n int) error { return os.WriteFile(cfg.Path, fmt.Appendf(nil, "A=x%d\n", n), 0o600) }},
		{"opened to others", "A=1\n", "A=1\n", "other users can access it", 1, func(int) error { return os.Chmod(cfg.Path, 0o644) }},
		{"directory", "A=1\n", "", "its directory was replaced while it was in use", 1, func(int) error {
			err := os.Rename(filepath.Dir(cfg.Path), filepath.Dir(cfg.Path)+".moved")
			if err == nil {
				err = os.Mkdir(filepath.Dir(cfg.Path), 0o700)
			}
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && (tt.name == "opened to others" || tt.name == "directory") {
				t.Skip("no such modes, and no open directory is renamed")
			}
			if err := os.Remove(cfg.Path); err != nil {
				t.Fatal(err)
			}
			if tt.start != "" {
				write(t, cfg.Path, tt.start)
			}
			syncs := 0
			_, err := delivery.PutInFile(cfg, secret, func(f *os.File) error {
				if info, err := f.Stat(); err != nil || info.IsDir() {
					return err
				}
				if syncs++; syncs <= tt.syncs {
					return tt.change(syncs)
				}
				return nil
			})
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("got %v, want %q", err, tt.wantErr)
			}
			if text, _ := os.ReadFile(cfg.Path); string(text) != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// Paths that lead to the same file share a lock.
func TestLinksShareALock(t *testing.T) {
	cfg := envFile(t)
	newTarget(t, cfg, "A=1\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Dir(cfg.Path), link); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{cfg.Path, filepath.Join(link, filepath.Base(cfg.Path))} {
		cfg.Path = path
		if _, err := delivery.PutInFile(cfg, secret, (*os.File).Sync); err != nil {
			t.Fatal(err)
		}
	}
	if locks := files(t, cfg.Locks); len(locks) != 1 {
		t.Errorf("got the locks %q", locks)
	}
}
