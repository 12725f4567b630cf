package delivery

import (
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// The name of a temporary file contains its final name and its final size:
// ".raff-mcp-RANDOM.SIZE.NAME.part". The name of a probe contains neither, since a probe
// holds no secret.
const (
	temporaryPrefix = ".raff-mcp-"
	temporarySuffix = ".part"
	probeSuffix     = ".probe"
)

var temporaryPattern = lazyregexp.New(`^\.raff-mcp-[0-9A-Z]+\.([0-9]+)\.([0-9A-Za-z_-]+)(\.[a-z]+)\.part$`)

// temporaryName returns a name of at most 143 bytes, which eCryptfs permits.
func temporaryName(name string, size int) string {
	return fmt.Sprintf("%s%s.%d.%s%s", temporaryPrefix, random(), size, name, temporarySuffix)
}

func probeName() string { return temporaryPrefix + random() + probeSuffix }

// random returns enough random characters to distinguish a few files.
func random() string { return rand.Text()[:12] }

// staleAge is the age from which a temporary file counts as abandoned.
const staleAge = 10 * time.Minute

// sweep cleans up after a program that was killed, if the directory exists. A temporary
// file may be the only copy of a secret. If it is complete, it gets its final name.
func (s dirStore) sweep() {
	if !filepath.IsAbs(s.path) {
		return
	}
	root, err := s.openExisting()
	if err != nil { // it does not exist, or the error is reported when it is needed
		return
	}
	defer root.Close()
	s.sweepRoot(root)
}

func (s dirStore) sweepRoot(root *os.Root) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		temporary := e.Name()
		if !isTemporary(temporary) {
			continue
		}
		info, err := root.Lstat(temporary)
		// If the clock was set back since, the file's time may be in the future.
		if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()).Abs() <= staleAge {
			continue
		}
		if m := temporaryPattern.Get().FindStringSubmatch(temporary); m != nil && !hasFinalName(root, entries, info) {
			size, _ := strconv.Atoi(m[1])
			s.salvage(root, temporary, size, m[2], m[3])
			continue
		}
		_ = root.Remove(temporary) // the next sweep tries again
	}
}

func isTemporary(name string) bool {
	return strings.HasPrefix(name, temporaryPrefix) && (strings.HasSuffix(name, temporarySuffix) || strings.HasSuffix(name, probeSuffix))
}

// hasFinalName reports whether one of the entries is that file.
func hasFinalName(root *os.Root, entries []fs.DirEntry, file fs.FileInfo) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		if isTemporary(e.Name()) {
			return false
		}
		info, err := root.Lstat(e.Name())
		return err == nil && os.SameFile(info, file)
	})
}

// salvage gives an abandoned file its final name. It removes a file that is not
// complete.
func (s dirStore) salvage(root *os.Root, temporary string, size int, base, extension string) {
	intended := filepath.Join(s.path, base+extension)
	// Another process may be doing the same: only the one that renames the file
	// continues. The new time keeps the others from sweeping the renamed file.
	now, own := time.Now(), temporaryName(base+extension, size)
	if root.Chtimes(temporary, now, now) != nil || root.Rename(temporary, own) != nil {
		return
	}
	isComplete, err := s.complete(root, own, size)
	if err == nil && !isComplete {
		s.log.Error("a secret is lost, because the program was killed while it wrote it to a file: regenerate the key", "file", intended)
		_ = root.Remove(own)
		return
	}
	name := ""
	if err == nil {
		name, err = s.link(root, own, base, extension)
	}
	if err != nil { // a later sweep tries again
		s.log.Error("a secret that was not delivered, because the program was killed, is in a temporary file", "error", s.fault(err), "file", filepath.Join(s.path, own))
		return
	}
	_ = root.Remove(own)
	s.log.Warn("a secret was found that was not delivered, because the program was killed: move it to where it belongs", "file", filepath.Join(s.path, name))
}

// complete reports whether a file has its intended size, and syncs it. After a power
// failure it may be empty or contain zeros.
func (s dirStore) complete(root *os.Root, name string, size int) (bool, error) {
	file, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, int64(size)+1))
	if err != nil || len(data) != size || size == 0 || data[0] == 0 {
		return false, err
	}
	return true, s.sync(file)
}
