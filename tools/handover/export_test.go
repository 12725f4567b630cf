package handover

// PutNamed puts a secret into a directory as on a file system where a file has to
// have a name while it is written.
func PutNamed(dir string, k Key, secret string) (path string, err error) {
	f := newFolder(dir, "raw")
	f.named = true
	if err := f.probe(); err != nil {
		return "", err
	}
	return f.put(k, value(secret))
}

// The rest is for tests of its own.
var (
	Words = words
	Scrub = func(text, secret string) string { return scrub(text, value(secret)) }
)
