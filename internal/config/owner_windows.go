package config

import "io/fs"

// hasModes is whether the mode of a file says who can access it. Windows has access control
// lists, and files in a home directory inherit one that admits only the user and
// administrators.
const hasModes = false

// isForeign returns false: on Windows, the access control list decides.
func isForeign(fs.FileInfo) bool { return false }
