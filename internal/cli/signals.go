package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// sameEvent is how long after a signal others count as the same. A terminal that is
// closed sends SIGHUP while the client sends SIGTERM, and wrappers such as npx pass
// on the SIGINT of a Ctrl-C that the terminal has sent to all of them: these ask
// once, and must not cut off what is in flight.
const sameEvent = 500 * time.Millisecond

// notifySignals returns a context that is done at the first signal to end, after which
// calls in flight are finished, and a channel that is closed at the second, after
// which they are cut off and what they leave is cleaned up. The third ends the
// program as it would any other, whatever is lost.
func notifySignals() (ctx context.Context, secondSignal <-chan struct{}) {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	received := make(chan os.Signal, 1)
	signal.Notify(received, ends...)
	return countSignals(received, func() { signal.Reset(ends...) })
}

// countSignals is notifySignals for the signals received; the third is left to reset.
func countSignals(received <-chan os.Signal, reset func()) (ctx context.Context, secondSignal <-chan struct{}) {
	ctx, first := context.WithCancel(context.Background())
	second := make(chan struct{})
	go func() {
		<-received
		first()
		settle(received)
		<-received
		close(second)
		settle(received)
		reset()
	}()
	return ctx, second
}

// settle drops what belongs to the signal before.
func settle(received <-chan os.Signal) {
	over := time.After(sameEvent)
	for {
		select {
		case <-received:
		case <-over:
			return
		}
	}
}
