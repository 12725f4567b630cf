package activity

import "log/slog"

// StartWith returns a Log that passes each line to write instead of a file.
func StartWith(write func([]byte) error, log *slog.Logger) *Log { return start("test", write, log) }

// WriteTimeout is how long Write waits.
const WriteTimeout = writeTimeout
