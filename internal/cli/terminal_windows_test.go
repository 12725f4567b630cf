package cli

// terminalProgram does nothing: the scripts that use it are skipped on Windows.
func terminalProgram() {}
