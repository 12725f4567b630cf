package stdio

var (
	ErrCancelled  = errCancelled
	ErrClientGone = errClientGone
	ErrCutOff     = errCutOff
)

// WithMaxCalls returns c with a limit of n requests that are processed at once.
func (c Config) WithMaxCalls(n int) Config {
	c.maxCalls = n
	return c
}
