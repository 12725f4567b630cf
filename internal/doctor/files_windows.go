package doctor

import "io/fs"

// checkMode checks nothing: modes of files do not say who can read them on Windows.
func checkMode(string, fs.FileMode) (exists bool, problem *Check) { return false, nil }
